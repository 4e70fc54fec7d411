//! The stages that need the npm package, Node.js, workerd or Chromium.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::counts::Counts;
use super::{Context, Outcome};
use crate::{demo, package, paths, setup, size};

pub fn package(context: &Context) -> Result<Outcome> {
    package::package(&context.root)?;
    Ok(Outcome::passed())
}

pub fn size(context: &Context) -> Result<Outcome> {
    Ok(match size::standing(&context.root)? {
        size::Standing::Within => Outcome::passed(),
        size::Standing::Missed => Outcome::skipped("the budget is not reached; it has not grown either"),
        size::Standing::Grown => Outcome::new(Counts::FAILED, "the wasm has grown: pkg-config/size-budget.json"),
    })
}

pub fn lint(context: &Context) -> Result<Outcome> {
    let biome = context.root.join("www/node_modules/.bin/biome");
    if !biome.exists() {
        return Ok(Outcome::skipped("biome is not here: npm ci in www/"));
    }
    let mut check = setup::command(&context.root.join("www"), biome);
    check.args(["check", "--colors=off", "--error-on-warnings", ".", "../pkg-config"]);
    let scripts = ["bench", "browser", "edge", "packaging", "quotes", "verdict"].map(|name| format!("../tests/{name}"));
    check.args(scripts.iter().filter(|folder| context.root.join("www").join(folder).is_dir()));
    context.check(&mut check, "npm run format in www/ puts most of it right")
}

/// Every folder of pages that has its own TypeScript configuration.
pub fn types(context: &Context) -> Result<Outcome> {
    let www = context.root.join("www");
    let compiler = www.join("node_modules/.bin/tsc");
    if !compiler.exists() {
        return Ok(Outcome::skipped("tsc is not here: npm ci in www/"));
    }
    let mut sum = Outcome::new(Counts::default(), "");
    for folder in folders(&www)?.into_iter().filter(|folder| folder.join("tsconfig.json").is_file()) {
        let mut check = setup::command(&folder, &compiler);
        let outcome = context.check(check.args(["--noEmit", "-p", "."]), "a type error")?;
        sum.counts.add(outcome.counts);
        sum.note.push_str(&outcome.note);
    }
    Ok(sum)
}

pub fn artefacts(context: &Context) -> Result<Outcome> {
    demo::artefacts::make(&context.root, &program(context))?;
    Ok(Outcome::passed())
}

pub fn packaging(context: &Context) -> Result<Outcome> {
    suite(context, &["tests/packaging"], Vec::new())
}

pub fn edge(context: &Context) -> Result<Outcome> {
    suite(context, &["tests/edge", "www/edge"], Vec::new())
}

pub fn verdict(context: &Context) -> Result<Outcome> {
    suite(context, &["tests/verdict"], Vec::new())
}

pub fn quotes(context: &Context) -> Result<Outcome> {
    suite(context, &["tests/quotes"], Vec::new())
}

pub fn browser(context: &Context) -> Result<Outcome> {
    if setup::chromium().is_none() {
        return Ok(Outcome::skipped("no Chromium here"));
    }
    // The pages are tested as they run: shop, worker, server and provider are real.
    let demo = demo::Demo::start(&context.root, &program(context), 3000, false)?;
    let outcome = suite(context, &["tests/browser", "www/element", "www/shop"], demo.environment())?;
    if outcome.counts.failed > 0 {
        println!("{}", demo.last_words());
    }
    Ok(outcome)
}

pub fn demo(context: &Context) -> Result<Outcome> {
    if setup::chromium().is_none() {
        return Ok(Outcome::skipped("no Chromium here"));
    }
    demo::smoke(&context.root, &program(context))?;
    Ok(Outcome::passed())
}

/// The program as the `build` stage left it.
fn program(context: &Context) -> PathBuf {
    paths::cargo_target(&context.root).join("debug/prequal")
}

/// Every `*.test.mjs` of these folders by Node's own test runner, one file after the other.
fn suite(context: &Context, places: &[&str], environment: Vec<(&str, OsString)>) -> Result<Outcome> {
    let mut files = Vec::new();
    for place in places {
        collect(&context.root.join(place), &mut files)?;
    }
    files.sort();
    if files.is_empty() {
        return Ok(Outcome::new(Counts::FAILED, format!("no test in {}", places.join(", "))));
    }
    let Some(node) = setup::node(&context.root) else {
        return Ok(Outcome::skipped("no Node.js here that is new enough"));
    };
    let mut command = setup::command(&context.root.join("tests"), node);
    command.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]).args(&files);
    command.env("PREQUAL_PROGRAM", program(context)).envs(environment);
    if let Some(browser) = setup::chromium() {
        command.env("CHROME", browser);
    }
    let finished = context.run(&mut command)?;
    let mut counts = Counts::of_node(&finished.output);
    let silent = counts == Counts::default();
    if silent || (!finished.ok && counts.failed == 0) {
        counts.add(Counts::FAILED);
    }
    Ok(Outcome::new(counts, if silent { finished.reason() } else { String::new() }))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "node_modules" && name != "dist" {
            collect(&path, files)?;
        } else if name.ends_with(".test.mjs") || name.ends_with(".test.ts") {
            files.push(path);
        }
    }
    Ok(())
}

fn folders(place: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
