//! The lending server: axum and sqlx, the only crate that knows HTTP or SQL.
//!
//! Read in this order: [`config`] and [`settings`] (what it is told), [`http`] (what it answers),
//! [`booking`] (where money is written), [`funding`] (who finances it), [`settlement`] (what merchants get), [`storage`] (where SQL is), [`vault`] and [`people`] (where personal
//! data is), [`outbox`] and [`webhook`] (how it talks with the payment provider), [`sandbox`] (the payment
//! provider and the bureau of demos and tests, a process of its own).

pub mod agreement;
pub mod app;
pub mod audit;
pub mod backup;
pub mod bills;
pub mod booking;
pub mod clock;
pub mod codes;
pub mod conduct;
pub mod config;
pub mod connections;
pub mod contract;
pub mod delivery;
pub mod difference;
pub mod disclosure;
pub mod events;
pub mod export;
pub mod exposure;
pub mod fresh;
pub mod funding;
pub mod http;
pub mod http_client;
pub mod idempotency;
pub mod jobs;
pub mod jws;
pub mod keys;
pub mod ledger_day;
pub mod line_terms;
pub mod lines;
pub mod machine;
pub mod merchant_webhooks;
pub mod metrics;
pub mod notice;
pub mod operation;
pub mod orders;
pub mod outbox;
pub mod pay_backs;
pub mod people;
pub mod policy;
pub mod problem;
pub mod refunds;
pub mod reminders;
pub mod repayments;
pub mod reply;
pub mod resume;
pub mod retention;
pub mod reviews;
pub mod rights;
pub mod sandbox;
pub mod secret;
pub mod serve;
pub mod servicing;
pub mod serving;
pub mod settings;
pub mod settlement;
pub mod standing;
pub mod storage;
pub mod transfers;
pub mod transport;
pub mod vault;
pub mod webhook;
pub mod webhook_sender;
