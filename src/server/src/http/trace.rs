//! The trace a request belongs to (W3C Trace Context, level 1): taken over from the caller or begun here, so that
//! one id stands in the caller's log and in ours.

use axum::http::HeaderMap;

use crate::secret;

/// Where a request belongs. Every part is lower-case hex, of random or the caller's own making, and names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// 32 digits.
    pub trace_id: String,
    /// 16 digits: this server's part of the trace.
    pub span_id: String,
    /// 2 digits.
    flags: String,
}

impl Trace {
    /// The trace of a request's `traceparent`; a new one where there is none that can be read.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parse);
        let (trace_id, flags) = given
            .map(|(trace, flags)| (trace.to_owned(), flags.to_owned()))
            .unwrap_or_else(|| (secret::hex(&secret::random::<16>()), "00".to_owned()));
        Self { trace_id, span_id: secret::hex(&secret::random::<8>()), flags }
    }

    /// The header that hands the trace on.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

/// The trace id and the flags of a `traceparent`. A later version may have more parts behind these.
fn parse(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let whole = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    (whole && known && !zero(trace) && !zero(parent)).then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of W3C Trace Context, section 3.2.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_caller_s_trace_goes_on_under_a_span_of_our_own() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", EXAMPLE.parse().unwrap());
        let trace = Trace::of(&headers);
        assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(trace.span_id, "00f067aa0ba902b7");
        assert!(trace.traceparent().ends_with("-01"));
    }

    #[test]
    fn what_cannot_be_read_begins_a_new_trace() {
        assert!(parse(EXAMPLE).is_some());
        assert!(parse(&EXAMPLE.replacen("00-", "01-", 1)).is_some());
        assert!(parse(&format!("{}-more", EXAMPLE.replacen("00-", "01-", 1))).is_some());
        for wrong in [
            "",
            "00",
            &EXAMPLE.replacen("00-", "ff-", 1),
            &format!("{EXAMPLE}-more"),
            &EXAMPLE.to_uppercase(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-ada@example.com00000000000000000-00f067aa0ba902b7-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        let begun = Trace::of(&HeaderMap::new());
        assert!(parse(&begun.traceparent()).is_some());
    }
}
