//! How much of what a lender signed is checked again.

/// How much of a bundle or a model is checked while it is compiled.
pub(crate) trait Depth {
    /// Whether everything is, with words for whoever wrote it.
    const FULL: bool;
}

/// Where policies are made and where money is booked: all that contradicts itself is refused.
pub(crate) struct Checked;

/// Where a signed bundle is only downloaded: only what would not compile is refused. What passed the full checks
/// compiles in the same way.
pub(crate) struct Signed;

impl Depth for Checked {
    const FULL: bool = true;
}

impl Depth for Signed {
    const FULL: bool = false;
}
