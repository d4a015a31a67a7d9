//! The arrows between the packages, compared with the checked-in table.

use ballast_tidy::{arrows, files};
use std::process::Command;

#[test]
fn the_packages_use_each_other_as_the_table_says() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(files::root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let found = arrows::found(&String::from_utf8_lossy(&metadata.stdout)).unwrap();
    let complaints = arrows::complaints(&found, include_str!("../arrows.txt"));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
