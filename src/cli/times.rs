//! Lengths of time on the command line: a number with its unit, and what to write instead where it is none.

use crate::report::language::{Language, say};
use ballast_model::Span;
use ballast_model::quantity::parse_span;

/// The time that stands behind an option.
///
/// # Errors
/// A sentence: it has no unit, it is no time, it is too short or too long.
pub fn span(option: &str, text: &str, least: Span, most: Span, language: Language) -> Result<Span, String> {
    let Some(span) = parse_span(text) else {
        let is_number = !text.is_empty() && text.trim().parse::<f64>().is_ok_and(|number| number >= 0.0);
        return Err(if is_number {
            let text = text.trim();
            say!(
                language,
                "`{option} {text}` has no unit: write `{text}s` for seconds, `{text}min` for minutes, `{text}ms` for milliseconds",
                "`{option} {text}` n'a pas d'unité : écrivez `{text}s` pour des secondes, `{text}min` pour des minutes, `{text}ms` pour des millisecondes"
            )
        } else {
            say!(
                language,
                "`{option} {text}` is not a time: write a number with its unit, as 30s, 5min, 2h or 500ms",
                "`{option} {text}` n'est pas une durée : écrivez un nombre avec son unité, comme 30s, 5min, 2h ou 500ms"
            )
        });
    };
    if span < least {
        return Err(say!(
            language,
            "`{option} {text}` is too short: {least} at least",
            "`{option} {text}` est trop court : {least} au moins"
        ));
    }
    if span > most {
        return Err(say!(
            language,
            "`{option} {text}` is too long: {most} at most",
            "`{option} {text}` est trop long : {most} au plus"
        ));
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_none_is_answered_with_what_to_write() {
        let read = |text: &str| span("--for", text, Span::from_secs(1), Span::from_secs(3600), Language::En);
        assert_eq!(read("5s"), Ok(Span::from_secs(5)));
        for (text, words) in [
            ("5", "`--for 5` has no unit: write `5s` for seconds, `5min` for minutes"),
            ("0.5", "write `0.5s` for seconds"),
            ("", "is not a time: write a number with its unit"),
            ("-5", "is not a time"),
            ("often", "as 30s, 5min, 2h or 500ms"),
            ("200ms", "is too short: 1 s at least"),
            ("2h", "is too long: 1 h at most"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
