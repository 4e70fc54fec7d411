//! Claims about the lending server, each proved over real HTTP on a real database: see `database` for the engine.

mod actors;
mod bad_input;
mod batch;
mod database;
mod fuzzed;
mod killed;
mod manners;
mod matrix;
mod money;
mod notices;
mod offers;
mod personal;
mod process;
mod purchase;
mod restart;
mod rights;
mod sandbox_bureau;
mod sent;
mod sharing;
mod storm;
mod together;
mod told;
mod upgrades;
mod world;
