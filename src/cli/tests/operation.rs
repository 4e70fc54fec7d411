//! What an operator calls beside the server: jobs, backup, manual pages.

mod common;

use common::run;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_day_s_jobs_are_listed_with_what_they_do() {
    let output = run(&["jobs", "list"], "");
    assert!(output.status.success());
    for name in ["due-debits", "idempotency-expiry", "outbox-cleanup"] {
        assert!(text(&output.stdout).lines().any(|line| line.starts_with(name) && line.len() > name.len() + 10));
    }
}

#[test]
fn what_is_asked_wrongly_is_one_readable_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("none.toml");
    let config = config.to_str().unwrap();
    for (arguments, code) in [
        (vec!["jobs"], 2),
        (vec!["jobs", "run", "due-debits"], 2),
        (vec!["jobs", "run", "due-debits", "--date", "2026-02-30", "--config", config], 1),
        (vec!["jobs", "run", "due-debits", "--date", "2026-02-28", "--config", config], 1),
        (vec!["jobs", "status", "--config", config], 1),
        (vec!["backup", "--config", config, "--out", "x"], 1),
        (vec!["restore", "--config", config, "--from", "x"], 1),
    ] {
        let output = run(&arguments, "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        if code == 1 {
            assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
            assert!(text(&output.stderr).starts_with("prequal: "));
        }
    }
}

#[test]
fn every_command_has_a_manual_page_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man");
    let output = run(&["man", "--out", out.to_str().unwrap()], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    assert!(page("prequal.1").contains(".TH") && page("prequal.1").contains("backup"));
    assert!(page("prequal-jobs-run.1").contains("dry\\-run"));
    assert!(page("prequal-serve.1").contains("print\\-config"));
    let help = text(&run(&["--help"], "").stdout);
    let commands =
        help.lines().skip_while(|line| !line.starts_with("Commands")).skip(1).take_while(|line| !line.is_empty());
    let mut count = 0;
    // A line that goes on is indented deeper.
    for name in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = name.split_whitespace().next().unwrap();
        assert!(name == "help" || out.join(format!("prequal-{name}.1")).exists(), "{name}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}
