//! `prequal replay`: an exported ledger, as lines of JSON → what it proves; a ledger that does not verify is an error.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use anyhow::{Context, anyhow, bail};
use prequal_bundle::jwk::{self, PublicKey, Use};
use prequal_ledger::export::{LINE_BYTES_MAX, LoanState, Replay, Verified};
use serde::Serialize;

use crate::io::print_json;

#[derive(clap::Args)]
pub struct Args {
    /// The export, one JSON document a line; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The public key, of the use `ledger`, by which every day must be signed; without it signatures are not checked
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Also prints where each loan stands
    #[arg(long)]
    states: bool,
}

#[derive(Serialize)]
struct Total {
    currency: String,
    debit: i64,
    credit: i64,
}

#[derive(Serialize)]
struct Head {
    date: String,
    root: String,
    hash: String,
}

#[derive(Serialize)]
struct Summary {
    verified: bool,
    loans: usize,
    events: u64,
    entries: u64,
    chains: u64,
    days: usize,
    signatures: &'static str,
    /// The last day's.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    totals: Vec<Total>,
    #[serde(skip_serializing_if = "Option::is_none")]
    states: Option<Vec<LoanState>>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let key = args.key.as_deref().map(|path| jwk::read_public(path, Use::Ledger)).transpose();
    let key = key.map_err(|error| anyhow!(error))?;
    let reader: Box<dyn Read> = match args.input.as_deref() {
        Some(path) if path.as_os_str() != "-" => {
            Box::new(File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?)
        }
        _ => Box::new(std::io::stdin()),
    };
    let verified = read(BufReader::new(reader))?;
    if let Some(key) = &key {
        check_signatures(&verified, key)?;
    }
    print_json(&summary(verified, args.states, key.is_some())?)
}

/// Line by line, so that a ledger of any length is read in little memory.
fn read(mut reader: impl BufRead) -> anyhow::Result<Verified> {
    let mut replay = Replay::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        // One byte more than a line may have, and its end.
        let most = u64::try_from(LINE_BYTES_MAX)? + 2;
        if reader.by_ref().take(most).read_until(b'\n', &mut line).context("cannot read the export")? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = std::str::from_utf8(text).map_err(|_| anyhow!("line {number}: not UTF-8 text"))?;
        replay.take(text)?;
    }
    Ok(replay.finish()?)
}

fn check_signatures(verified: &Verified, key: &PublicKey) -> anyhow::Result<()> {
    for (head, signature) in &verified.days {
        let Some(signature) = signature else { bail!("the head of `{}` is not signed", head.date) };
        if signature.kid != key.kid {
            bail!("the head of `{}` is signed by another key than `{}`", head.date, key.kid);
        }
        if !key.verifies_bytes(&head.bytes()?, &signature.value) {
            bail!("the signature of the head of `{}` does not verify", head.date);
        }
    }
    Ok(())
}

fn summary(verified: Verified, states: bool, signatures: bool) -> anyhow::Result<Summary> {
    let mut totals: Vec<Total> = Vec::new();
    for (currency, _, sides) in verified.trial.iter() {
        let (debit, credit) = (sides.debit.minor(), sides.credit.minor());
        match totals.last_mut() {
            Some(total) if total.currency == currency => {
                total.debit += debit;
                total.credit += credit;
            }
            _ => totals.push(Total { currency: currency.to_owned(), debit, credit }),
        }
    }
    let head = verified.days.last().map(|(head, _)| -> anyhow::Result<Head> {
        Ok(Head { date: head.date.to_string(), root: head.root.clone(), hash: head.hash()? })
    });
    Ok(Summary {
        verified: true,
        loans: verified.loans.len(),
        events: verified.events,
        entries: verified.entries,
        chains: verified.chains,
        days: verified.days.len(),
        signatures: if signatures { "verified" } else { "not checked" },
        head: head.transpose()?,
        totals,
        states: states.then_some(verified.loans),
    })
}
