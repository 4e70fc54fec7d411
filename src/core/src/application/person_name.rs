//! Names of people: letters of any script, and what stands between them.

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Why a text is not taken as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameProblem {
    /// More than [`NAME_CHARS_MAX`] characters.
    TooLong,
    /// A digit, a control character, a symbol, or no letter at all.
    Characters,
}

/// Checks a name: at least one letter; otherwise letters, combining marks, and space, hyphen, apostrophe, full stop,
/// comma and the middle dots of transcribed names; no space at either end. Names differ more than any rule, so the
/// check keeps out only what no name has: digits, control characters, symbols, text that runs the other way.
///
/// # Errors
/// [`NameProblem`].
pub fn check(text: &str) -> Result<(), NameProblem> {
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(NameProblem::TooLong);
    }
    let trimmed = text.trim() == text;
    let letters = text.chars().any(char::is_alphabetic);
    if trimmed && letters && text.chars().all(belongs) {
        return Ok(());
    }
    Err(NameProblem::Characters)
}

fn belongs(char: char) -> bool {
    // Most marks of Indic and South-East Asian scripts are alphabetic; viramas and tone marks are not.
    const MARKS: [core::ops::RangeInclusive<char>; 9] = [
        '\u{300}'..='\u{36f}',
        '\u{591}'..='\u{5c7}',
        '\u{610}'..='\u{61a}',
        '\u{64b}'..='\u{65f}',
        '\u{93c}'..='\u{94d}',
        '\u{9bc}'..='\u{dcf}',
        '\u{e38}'..='\u{ebd}',
        '\u{1037}'..='\u{103a}',
        '\u{17c6}'..='\u{17d3}',
    ];
    const BETWEEN: [char; 12] =
        [' ', '-', '\'', '\u{2019}', '.', ',', '\u{b7}', '\u{30fb}', '\u{2010}', '\u{2011}', '\u{200c}', '\u{200d}'];
    char.is_alphabetic()
        || BETWEEN.contains(&char)
        || (!char.is_numeric() && MARKS.iter().any(|range| range.contains(&char)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_scripts_are_names() {
        for name in [
            "Ada Byron",
            "O'Brien",
            "Jean-Luc",
            "Martin Luther King, Jr.",
            "José",
            "Jose\u{301}",
            "张伟",
            "阿卜杜拉·买买提",
            "Владимир",
            "محمد",
            "राजेश्वर",
            "สมชาย",
            "Nguyễn Văn A",
            "Þór",
            "ß",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_no_name_has_is_refused() {
        for name in
            ["", " ", "-", "Ada1", "Ada\u{0}", "Ada\nByron", " Ada", "Ada ", "<b>", "a@b", "😀", "\u{202e}adA", "٣"]
        {
            assert_eq!(check(name), Err(NameProblem::Characters), "{name:?}");
        }
        assert_eq!(check(&"é".repeat(100)), Ok(()));
        assert_eq!(check(&"é".repeat(101)), Err(NameProblem::TooLong));
    }
}
