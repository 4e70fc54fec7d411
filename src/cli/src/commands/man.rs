//! `prequal man --out DIR`

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::CommandFactory;

use crate::io::write_output;

#[derive(clap::Args)]
pub struct Args {
    /// The folder to write to; it is made where it is absent
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub fn run<C: CommandFactory>(args: &Args) -> anyhow::Result<()> {
    let folder = &args.out;
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let mut command = C::command();
    // Built, so that every command knows the whole of its name.
    command.build();
    let mut pages = 0;
    write(folder, &command, &mut pages)?;
    write_output(&format!("{pages} pages are in `{}`: man {}/prequal.1", folder.display(), folder.display()))
}

/// A page for a command, and for every command under it.
fn write(folder: &Path, command: &clap::Command, pages: &mut usize) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).replace(' ', "-");
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, page).with_context(|| format!("cannot write `{}`", file.display()))?;
    *pages += 1;
    for under in command.get_subcommands().filter(|under| under.get_name() != "help") {
        write(folder, under, pages)?;
    }
    Ok(())
}
