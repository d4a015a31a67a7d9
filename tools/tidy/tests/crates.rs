//! Licences, banned crates and origins of everything that is built for this machine.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

use ballast_tidy::{crates, files};
use std::process::Command;

fn said(program: String, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(files::root()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_we_build_on_is_what_deny_toml_allows() {
    let version = said(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()), &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // What was built for these tests is on this machine; what other systems need may not be.
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let metadata = said(cargo, &arguments);
    let policy = crates::policy(&std::fs::read_to_string(files::root().join("deny.toml")).unwrap());
    assert!(policy.allowed.len() >= 5 && policy.banned.contains("aws-lc-sys"), "{policy:?}");
    assert!(metadata.contains("\"name\":\"ring\""), "the packages are not all there");
    let complaints = crates::complaints(&metadata, &policy).unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
