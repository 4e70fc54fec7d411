//! Bundles of credit policy, from the files that a risk officer writes to the signed file that decides.
//!
//! ```text
//! folder of TOML and CSV --sources::build--> payload --envelope::sign--> signed file --envelope::verify--> payload
//!                                               \--split--> public payload --sign--> what a browser loads
//! ```
//!
//! What a bundle means is `prequal_core::bundle`'s matter; here are its sources, their checks with file and line, the
//! envelope and the keys.
#![forbid(unsafe_code)]

pub mod envelope;
pub mod jwk;
pub mod sources;
