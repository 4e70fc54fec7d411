//! Schedules and rates of plain terms and cash flows, without a bundle.
