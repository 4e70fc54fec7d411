//! `prequal completions SHELL`

use clap_complete::Shell;

#[derive(clap::Args)]
pub struct Args {
    /// The shell to complete for
    shell: Shell,
}

pub fn run<C: clap::CommandFactory>(args: &Args) -> anyhow::Result<()> {
    clap_complete::generate(args.shell, &mut C::command(), "prequal", &mut std::io::stdout());
    Ok(())
}
