//! The application: its form, the checks on what is filled in, and the journey of filling it in.

pub mod email;
pub mod person_name;
pub mod phone;
pub mod resident_id;
pub(crate) mod texts;
