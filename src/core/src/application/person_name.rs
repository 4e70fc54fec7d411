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
    let letters = text.chars().any(|char| belongs(char) && !BETWEEN.contains(&char) && !within(&MARKS, char));
    if letters && text.trim() == text && text.chars().all(belongs) {
        return Ok(());
    }
    Err(NameProblem::Characters)
}

type Range = (u32, u32);

/// What stands between the letters of names.
const BETWEEN: [char; 12] =
    [' ', '-', '\'', '\u{2019}', '.', ',', '\u{b7}', '\u{30fb}', '\u{2010}', '\u{2011}', '\u{200c}', '\u{200d}'];

/// Marks that make no name by themselves.
const MARKS: [Range; 2] = [(0x300, 0x36f), (0xfe00, 0xfe0f)];

/// Blocks of the basic plane above ASCII, and parts of blocks, that hold no letter of a name (Unicode 16): digits,
/// punctuation, symbols, controls, private use. Unicode's own table of letters would be two kilobytes more for every
/// browser, and it changes each year.
const NO_LETTERS: [Range; 53] = [
    (0x80, 0xa9),
    (0xab, 0xb4),
    (0xb6, 0xb9),
    (0xbb, 0xbf),
    (0xd7, 0xd7),
    (0xf7, 0xf7),
    (0x482, 0x489),
    (0x55a, 0x55f),
    (0x589, 0x58f),
    (0x600, 0x60f),
    (0x61b, 0x61f),
    (0x660, 0x66d),
    (0x6d4, 0x6d4),
    (0x6dd, 0x6de),
    (0x6f0, 0x6f9),
    (0x6fd, 0x6fe),
    (0x700, 0x70f),
    (0x7c0, 0x7c9),
    (0x7f6, 0x7f9),
    (0x9f4, 0x9f9),
    (0xb72, 0xb77),
    (0xbf0, 0xbf2),
    (0xc78, 0xc7e),
    (0xd58, 0xd5e),
    (0xd70, 0xd78),
    (0xe3f, 0xe3f),
    (0xe4f, 0xe5b),
    (0xed0, 0xed9),
    (0xf01, 0xf17),
    (0xf1a, 0xf34),
    (0x1040, 0x104f),
    (0x1090, 0x1099),
    (0x1360, 0x137c),
    (0x1390, 0x1399),
    (0x1680, 0x1680),
    (0x16eb, 0x16ed),
    (0x17d4, 0x17d6),
    (0x17d8, 0x17db),
    (0x17dd, 0x17f9),
    (0x1800, 0x1819),
    (0x1940, 0x194f),
    (0x19d0, 0x19ff),
    (0x1a80, 0x1a99),
    (0x1b50, 0x1b6a),
    (0x1bb0, 0x1bb9),
    (0x1c3b, 0x1c49),
    (0x1c50, 0x1c59),
    (0x2000, 0x2bff),
    (0x2cf9, 0x2cff),
    (0x2e00, 0x3004),
    (0x3008, 0x3030),
    (0x3036, 0x3037),
    (0x303d, 0x303f),
];
/// The same from the CJK blocks on.
const NO_LETTERS_ABOVE: [Range; 18] = [
    (0x3190, 0x319f),
    (0x3200, 0x33ff),
    (0x4dc0, 0x4dff),
    (0xa490, 0xa4cf),
    (0xa60d, 0xa60f),
    (0xa620, 0xa629),
    (0xa6f0, 0xa6f7),
    (0xa828, 0xa839),
    (0xa8ce, 0xa8d9),
    (0xa900, 0xa909),
    (0xa9c1, 0xa9ce),
    (0xa9d0, 0xa9d9),
    (0xa9f0, 0xa9f9),
    (0xaa50, 0xaa5f),
    (0xabf0, 0xabf9),
    (0xe000, 0xf8ff),
    (0xfe10, 0xfe6f),
    (0xfeff, 0xff20),
];
/// The same at the end of the basic plane.
const NO_LETTERS_END: [Range; 3] = [(0xff3b, 0xff40), (0xff5b, 0xff65), (0xffe0, 0xffff)];

/// Letters beyond the basic plane: Osage, Rohingya, Chakma, Adlam, and the further ideographs with their variants.
const BEYOND: [Range; 6] = [
    (0x104b0, 0x104fb),
    (0x10d00, 0x10d27),
    (0x11100, 0x11134),
    (0x1e900, 0x1e943),
    (0x20000, 0x323af),
    (0xe0100, 0xe01ef),
];

fn within(ranges: &[Range], char: char) -> bool {
    let code = u32::from(char);
    ranges.iter().any(|(from, to)| (*from..=*to).contains(&code))
}

fn belongs(char: char) -> bool {
    if char.is_ascii_alphabetic() || BETWEEN.contains(&char) {
        return true;
    }
    // In the blocks from Devanagari to Sinhala, 0x80 each, digits and signs of number stand from the 0x64th place on.
    let indic = ('\u{900}'..='\u{dff}').contains(&char) && (0x64..=0x6f).contains(&(u32::from(char) & 0x7f));
    match char {
        '\0'..='\u{7f}' => false,
        '\u{10000}'.. => within(&BEYOND, char),
        _ => !indic && ![&NO_LETTERS[..], &NO_LETTERS_ABOVE, &NO_LETTERS_END].iter().any(|ranges| within(ranges, char)),
    }
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

    /// The standard library's tables (Unicode) are the second implementation for the basic plane: no number, control
    /// or space that is no letter passes, and every letter does but those of the blocks above.
    #[test]
    fn the_blocks_agree_with_the_tables_of_unicode() {
        for char in (0x80..=0xffff).filter_map(char::from_u32) {
            let odd = !char.is_alphabetic() && (char.is_numeric() || char.is_control() || char.is_whitespace());
            assert!(!(odd && belongs(char)), "{:x}", u32::from(char));
            // Letterlike symbols and enclosed letters are in the symbols' blocks.
            let symbols = [(0x2000, 0x2bff), (0x2e2f, 0x2e2f), (0x3021, 0x3029)];
            if char.is_alphabetic() && !within(&symbols, char) {
                assert!(belongs(char), "{:x}", u32::from(char));
            }
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
