//! Claims about the lending server, each proved over real HTTP on a real database file.

mod actors;
mod bad_input;
mod killed;
mod money;
mod notices;
mod offers;
mod personal;
mod purchase;
mod restart;
mod sandbox_bureau;
mod world;
