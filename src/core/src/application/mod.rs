//! The application: its form, the checks on what is filled in, and the journey of filling it in.

pub mod email;
mod form;
pub mod journey;
pub mod person_name;
pub mod phone;
pub mod resident_id;
pub(crate) mod texts;
pub(crate) mod validate;

pub use form::form;
pub use validate::validate;
