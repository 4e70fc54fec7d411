//! Every size of a tree model has a name and an end.

/// The longest model file in bytes.
pub const MODEL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most trees.
pub const TREES_MAX: usize = 10_000;
/// The most features.
pub const FEATURES_MAX: usize = 4_096;
/// The most columns: a feature read in two ways (say, with and without zero as missing) is two.
pub const COLUMNS_MAX: usize = 8_192;
/// The most leaves of all trees together.
pub const LEAVES_MAX: usize = 2_000_000;
/// The most nodes between a root and a leaf.
pub const DEPTH_MAX: usize = 512;
/// The most distinct thresholds of one column.
pub const CUTS_MAX: usize = 65_000;
/// The most categories that one column's sets name.
pub const CATEGORIES_MAX: usize = 65_000;
/// The largest category code.
pub const CATEGORY_CODE_MAX: u32 = 0x7fff_ffff;
/// The most bytes that all sets of categories take as bits.
pub const SET_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest feature name in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// The longest label or other text in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// The largest table of leaf masks; a model that would need more is walked node by node.
pub const MASK_TABLE_BYTES_MAX: usize = 2 * 1024 * 1024;
