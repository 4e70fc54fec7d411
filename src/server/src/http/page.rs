//! Lists page by page: one way of asking, one form of cursor, one place that knows whether there is more.
//!
//! A cursor is opaque to whoever holds it. Inside are the list it belongs to and the id, or the day, or day, id
//! and kind, of the last thing shown, so that it stays right while things are added, and is refused by another list.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use prequal_core::calendar::Date;

use crate::problem::{Kind, Problem};

/// The most things on one page, and how many there are where nobody asks.
pub const PAGE_MAX: u32 = 100;
/// The longest cursor read.
const CURSOR_BYTES_MAX: usize = 256;

/// What was asked of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    list: &'static str,
    after: Option<String>,
    limit: u32,
}

impl Page {
    /// Reads the `cursor` and `limit` of a query; `list` is the list's own name.
    ///
    /// # Errors
    /// 400 where the cursor is not one of this list's or the limit is not from 1 to [`PAGE_MAX`].
    pub fn asked(list: &'static str, cursor: Option<&str>, limit: Option<u32>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(PAGE_MAX);
        if limit == 0 || limit > PAGE_MAX {
            return Err(Problem::new(Kind::BadRequest, format!("`limit` is 1 to {PAGE_MAX}")));
        }
        let after = match cursor {
            None => None,
            Some(cursor) => Some(
                read(list, cursor)
                    .ok_or_else(|| Problem::new(Kind::BadRequest, "`cursor` is not the `next_cursor` of this list"))?,
            ),
        };
        Ok(Self { list, after, limit })
    }

    /// After which id.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many rows to read: one more than is shown tells whether there is more.
    #[must_use]
    pub fn rows(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts what was read to the page; gives with it the cursor of the next one.
    pub fn cut<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| self.cursor(id(last)));
        (rows, next)
    }

    fn cursor(&self, id: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {id}", self.list))
    }
}

fn read(list: &str, cursor: &str) -> Option<String> {
    if cursor.len() > CURSOR_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let id = text.strip_prefix(list)?.strip_prefix(' ')?;
    let day = || Date::parse(id).ok().map(|day| day.to_string());
    let duty = || {
        let mut parts = id.split(' ');
        let (day, subject, kind) = (parts.next()?, parts.next()?, parts.next()?);
        let word = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let (day, subject) = (Date::parse(day).ok()?, uuid::Uuid::try_parse(subject).ok()?);
        (word && parts.next().is_none()).then(|| format!("{day} {subject} {kind}"))
    };
    uuid::Uuid::try_parse(id).ok().map(|id| id.to_string()).or_else(day).or_else(duty)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01926b5e-0000-7000-8000-000000000001";

    #[test]
    fn a_page_says_where_it_goes_on_only_where_it_does() {
        let page = Page::asked("entries", None, Some(2)).unwrap();
        assert_eq!((page.after(), page.rows()), (None, 3));
        let other = "01926b5e-0000-7000-8000-000000000002".to_owned();
        let (shown, next) = page.cut(vec![other.clone(), ID.to_owned(), other.clone()], |row| row);
        assert_eq!(shown.len(), 2);
        let again = Page::asked("entries", next.as_deref(), None).unwrap();
        assert_eq!(again.after(), Some(ID), "after the last that was shown");
        assert_eq!(page.cut(vec![other, ID.to_owned()], |row| row).1, None);
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nobody_s_making_is_refused() {
        let next = Page::asked("entries", None, Some(1)).unwrap().cut(vec![ID, ID], |row| row).1.unwrap();
        assert!(Page::asked("notices", Some(&next), None).is_err());
        let forged = URL_SAFE_NO_PAD.encode("entries ' OR 1=1");
        for wrong in ["", "x", ID, &forged, &"A".repeat(10_000)] {
            assert!(Page::asked("entries", Some(wrong), None).is_err(), "{wrong}");
        }
        for wrong in [0, PAGE_MAX + 1, u32::MAX] {
            assert!(Page::asked("entries", None, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
