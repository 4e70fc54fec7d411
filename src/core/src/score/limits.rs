//! Every size of a model has a name and an end.

/// The longest model file in bytes.
pub const MODEL_BYTES_MAX: usize = 1_048_576;
/// The most features in a scorecard.
pub const FEATURES_MAX: usize = 256;
/// The most value bins of one feature, missing bins not counted.
pub const BINS_MAX: usize = 64;
/// The most categories of one feature over all its bins.
pub const CATEGORIES_MAX: usize = 1_024;
/// The longest feature name, category or reason code in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// The longest label, purpose or explanation in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// The largest absolute value of a bin's points, of the base points and of the base score.
pub const POINTS_ABS_MAX: i32 = 1_000_000;
/// The most reasons one score gives.
pub const REASONS_MAX: usize = 4;
