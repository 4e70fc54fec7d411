//! E-mail addresses: the practical part of RFC 5321 and RFC 5322.
//!
//! Taken is `local@domain` where `local` is a dot-atom of 1 to 64 ASCII characters (RFC 5322, 3.2.3) and `domain` is
//! two or more labels of letters, digits and inner hyphens, each 1 to 63 long, the last one not all digits; 254
//! characters in all (RFC 5321, 4.5.3.1, with erratum 1690). Not taken, although the RFCs allow them: quoted local
//! parts, comments, address literals, and addresses beyond ASCII (RFC 6531). A domain in another script is written in
//! its `xn--` form.

const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;
const LABEL_BYTES_MAX: usize = 63;

/// Whether `text` is an address of the part that is taken.
#[must_use]
pub fn is_email(text: &str) -> bool {
    if text.len() > ADDRESS_BYTES_MAX {
        return false;
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    is_local(local) && is_domain(domain)
}

fn is_local(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= LOCAL_BYTES_MAX && local.split('.').all(atom)
}

fn is_domain(domain: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= LABEL_BYTES_MAX
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else { return false };
    domain.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_atoms_at_domains_are_addresses() {
        for text in ["ada@example.com", "row-17@example.com", "a.b+c=d@x-y.example", "o'hara@example.co.uk", "1@a.b1"] {
            assert!(is_email(text), "{text}");
        }
        assert!(is_email(&format!("{}@{}.com", "a".repeat(64), "b".repeat(63))));
    }

    #[test]
    fn what_mail_systems_refuse_in_practice_is_refused() {
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@@example.com",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "\"a b\"@example.com",
            "a b@example.com",
            "ada@exämple.com",
            "ada@example.com\n",
            "ada\u{0}@example.com",
        ] {
            assert!(!is_email(text), "{text}");
        }
        assert!(!is_email(&format!("{}@example.com", "a".repeat(65))));
        assert!(!is_email(&format!("a@{}.com", "b".repeat(64))));
        assert!(!is_email(&format!("a@{}.com", vec!["b".repeat(60); 5].join("."))));
    }
}
