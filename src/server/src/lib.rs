//! The lending server: axum and sqlx, the only crate that knows HTTP or SQL.
//!
//! Read in this order: [`config`] and [`settings`] (what it is told), [`http`] (what it answers),
//! [`booking`] (where money is written), [`storage`] (where SQL is), [`vault`] and [`people`] (where personal
//! data is), [`outbox`] and [`webhook`] (how it talks with the payment provider), [`sandbox`] (the payment
//! provider and the bureau of demos and tests, a process of its own).

pub mod agreement;
pub mod app;
pub mod audit;
pub mod booking;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod difference;
pub mod fresh;
pub mod http;
pub mod http_client;
pub mod idempotency;
pub mod jobs;
pub mod jws;
pub mod keys;
pub mod merchant_webhooks;
pub mod notice;
pub mod outbox;
pub mod people;
pub mod policy;
pub mod problem;
pub mod repayments;
pub mod reply;
pub mod rights;
pub mod sandbox;
pub mod secret;
pub mod serve;
pub mod settings;
pub mod storage;
pub mod transport;
pub mod vault;
pub mod webhook;
pub mod webhook_sender;
