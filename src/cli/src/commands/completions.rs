//! `prequal completions SHELL`

use clap_complete::Shell;

use crate::io::write_output;

#[derive(clap::Args)]
pub struct Args {
    /// The shell to complete for
    shell: Shell,
}

pub fn run<C: clap::CommandFactory>(args: &Args) -> anyhow::Result<()> {
    // Into memory first: the generator panics where it cannot write, and a closed pipe is no defect.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "prequal", &mut script);
    write_output(String::from_utf8(script)?.trim_end())
}
