//! What credit costs: schedules to the cent, legal annual rates, the amount that settles.
//!
//! Money is exact integer arithmetic throughout; floating point appears in the rate solver alone
//! (and in a level payment's first guess, which is then proved or replaced).
