//! Names of users of this machine.

/// The name of a user, from the machine's own list; its number where it has none.
pub fn name_of(uid: u32) -> String {
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

/// The number of the user of that name, from the machine's own list; `None` where it has none.
pub fn number_of(name: &str) -> Option<u32> {
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = list.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_number() {
        assert_eq!(number_of("root"), Some(0));
        assert_eq!(name_of(0), "root");
        assert_eq!(number_of("no such user"), None);
        assert_eq!(name_of(4_000_000_000), "uid 4000000000");
    }
}
