//! What can be said of Rust source without a parser: code without its comments and strings, where the tests begin,
//! how long a function is. It scans tokens and braces and knows no grammar.

/// The source with the contents of comments, strings and character literals replaced by spaces. Lines stay lines.
pub fn blanked(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = skipped_end(&chars, at);
        if end == at {
            out.push(c);
            at += 1;
            continue;
        }
        for &hidden in chars.get(at..end).unwrap_or_default() {
            out.push(if hidden == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    out
}

/// Where the comment, string or character literal that starts at `at` ends; `at` itself when none starts there.
fn skipped_end(chars: &[char], at: usize) -> usize {
    let c = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    match (c(0), c(1)) {
        ('/', '/') => chars.iter().skip(at).position(|&c| c == '\n').map_or(chars.len(), |n| at + n),
        ('/', '*') => block_comment_end(chars, at),
        ('"', _) => string_end(chars, at + 1),
        ('r', '"' | '#') if !word_before(chars, at) => raw_string_end(chars, at + 1).unwrap_or(at),
        ('b' | 'c', 'r') if !word_before(chars, at) => raw_string_end(chars, at + 2).unwrap_or(at),
        ('\'', '\\') => {
            chars.iter().skip(at + 3).position(|&c| c == '\'').map_or(chars.len(), |n| at + 4 + n)
        }
        ('\'', _) if c(2) == '\'' => at + 3,
        _ => at,
    }
}

fn word_before(chars: &[char], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| chars.get(before)).is_some_and(|&c| is_word(c))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while let Some(pair) = chars.get(at..at + 2) {
        match pair {
            ['/', '*'] => (depth, at) = (depth + 1, at + 2),
            ['*', '/'] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `at` is behind the `r`. `None` when this is no raw string (`r#type` is a name).
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars.iter().skip(at).take_while(|&&c| c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return None;
    }
    let closes =
        |quote: usize| chars.get(quote + 1..quote + 1 + hashes).is_some_and(|s| s.iter().all(|&c| c == '#'));
    let close = (at + hashes + 1..chars.len()).find(|&n| chars.get(n) == Some(&'"') && closes(n));
    Some(close.map_or(chars.len(), |quote| quote + 1 + hashes))
}

/// The line, counted from 1, on which the file's test module begins; past the end when it has none.
pub fn tests_begin(blanked: &str) -> usize {
    let lines: Vec<&str> = blanked.lines().map(str::trim).collect();
    let is_test_module = |n: usize| {
        let mut rest = lines.iter().skip(n + 1).filter(|line| !line.is_empty() && !line.starts_with("#["));
        rest.next().is_some_and(|line| line.starts_with("mod ") || line.starts_with("pub(crate) mod "))
    };
    let found = (0..lines.len()).find(|&n| lines.get(n) == Some(&"#[cfg(test)]") && is_test_module(n));
    found.map_or(usize::MAX, |n| n + 1)
}

/// True for a file that holds only tests.
pub fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("tests.rs")
        || path.contains("/benches/")
}

/// A function and how many lines it takes, from `fn` to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, without the type it belongs to.
    pub name: String,
    /// The line of its `fn`, counted from 1.
    pub line: usize,
    /// Lines from the `fn` to the closing brace.
    pub lines: usize,
}

/// Every function with a body, in the order of the text. Takes blanked source.
pub fn functions(blanked: &str) -> Vec<Function> {
    let chars: Vec<char> = blanked.chars().collect();
    let mut found = Vec::new();
    let mut line = 1;
    for (at, &c) in chars.iter().enumerate() {
        if c == '\n' {
            line += 1;
        }
        if chars.get(at..at + 3) != Some(&['f', 'n', ' ']) || word_before(&chars, at) {
            continue;
        }
        let name: String = chars.iter().skip(at + 3).take_while(|&&c| is_word(c)).collect();
        if let Some(lines) = body_lines(&chars, at).filter(|_| !name.is_empty()) {
            found.push(Function { name, line, lines });
        }
    }
    found
}

/// Lines from `start` to the brace that closes the first body behind it; `None` for a declaration without one.
fn body_lines(chars: &[char], start: usize) -> Option<usize> {
    let (mut brackets, mut braces, mut lines) = (0_i32, 0_i32, 1);
    for &c in chars.iter().skip(start) {
        match c {
            '\n' => lines += 1,
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && brackets == 0 {
                    return Some(lines);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blanked_and_lines_kept() {
        let source = "let a = \"x // \\\" y\"; // gone
let b = 'q'; let c: &'static str = r#\"{ \" }\"#;\n/* { /* */ { */ end";
        let seen = blanked(source);
        assert_eq!(seen.lines().count(), 3);
        for hidden in ["gone", "x //", "q", "{"] {
            assert!(!seen.contains(hidden), "{hidden} is still in {seen}");
        }
        for kept in ["let a", "&'static str", "end"] {
            assert!(seen.contains(kept), "{kept} is missing in {seen}");
        }
    }

    #[test]
    fn a_brace_in_a_character_literal_does_not_count() {
        let source = "fn one() {\n    let open = '{';\n    let quote = '\\'';\n}\nfn two() {}\n";
        let lengths: Vec<_> =
            functions(&blanked(source)).into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(lengths, [("one".to_owned(), 1, 4), ("two".to_owned(), 5, 1)]);
    }

    #[test]
    fn declarations_and_function_types_have_no_length() {
        let source = "trait T { fn a(&self, x: [u8; 4]); }
type F = fn(u8) -> u8;
fn b(f: fn (u8)) -> [u8; 2] {\n[0, 1]\n}";
        let found = functions(&blanked(source));
        assert_eq!(found, [Function { name: "b".to_owned(), line: 3, lines: 3 }]);
    }

    #[test]
    fn the_test_module_is_found_behind_other_attributes() {
        assert_eq!(tests_begin("fn a() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}"), 2);
        assert_eq!(tests_begin("#[cfg(test)]\nuse a::B;\nfn a() {}"), usize::MAX);
    }
}
