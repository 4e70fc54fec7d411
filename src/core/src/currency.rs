//! ISO 4217 currencies and the number of decimals of their minor unit.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::money::MoneyError;

/// A currency of ISO 4217 (list one) that has a minor unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// In place of a currency that could not be read; it reaches nobody.
const BLANK: Currency = Currency { code: *b"XXX", exponent: 0 };

/// Codes by the number of decimals of the minor unit (ISO 4217, list one, "Mnr unts").
///
/// `ANG` and `BGN` were withdrawn in 2025 and 2026; contracts in them are still being repaid.
const BY_EXPONENT: [(u8, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
         CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS \
         GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL \
         MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK \
         PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS \
         TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// Codes of list one that are not money a debt can be counted in: metals, funds, testing.
const WITHOUT_MINOR_UNIT: &str = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX";

fn contains(codes: &str, code: &[u8]) -> bool {
    // Three letters and a blank; a `\`-continued line leaves no other white space.
    codes.as_bytes().chunks(4).any(|entry| entry.get(..3) == Some(code))
}

impl Currency {
    /// Finds a currency by its three-letter code.
    ///
    /// # Errors
    /// `unknown_currency`, or `currency_without_minor_unit` for metals, funds and test codes.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let bytes = text.as_bytes();
        if let Ok(code) = <[u8; 3]>::try_from(bytes) {
            for (exponent, codes) in BY_EXPONENT {
                if contains(codes, &code) {
                    return Ok(Self { code, exponent });
                }
            }
            if contains(WITHOUT_MINOR_UNIT, &code) {
                return Err(MoneyError::CurrencyWithoutMinorUnit(text.to_owned()));
            }
        }
        Err(MoneyError::UnknownCurrency(text.chars().take(12).collect()))
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// Decimals of the minor unit: 2 for the dollar, 0 for the yen, 3 for the Kuwaiti dinar.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }

    /// Every currency known, in no promised order.
    pub fn all() -> impl Iterator<Item = Self> {
        BY_EXPONENT.into_iter().flat_map(|(_, codes)| codes.split(' ')).filter_map(|code| Self::parse(code).ok())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Currency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a currency code such as \"USD\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Currency, E> {
                Currency::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl crate::canonical::Canonical for Currency {
    fn write_to(&self, text: &mut crate::canonical::Text) {
        text.string(self.code());
    }
}

crate::json::read_text!(Currency, "a currency code such as \"USD\"", Self::parse, BLANK);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_iso_4217() {
        for (code, exponent) in [
            ("USD", 2),
            ("CNY", 2),
            ("JPY", 0),
            ("KRW", 0),
            ("KWD", 3),
            ("BHD", 3),
            ("TND", 3),
            ("CLF", 4),
            ("UYW", 4),
            ("MGA", 2),
            ("MRU", 2),
            ("ISK", 0),
            ("ZWG", 2),
            ("XCG", 2),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        }
    }

    #[test]
    fn every_listed_code_is_found_once() {
        let mut all: Vec<Currency> = Currency::all().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        let listed: usize = BY_EXPONENT.iter().map(|(_, codes)| codes.split(' ').count()).sum();
        assert_eq!(count, listed);
        assert!(all.iter().all(|c| c.code().len() == 3 && c.code().bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn metals_funds_and_unknown_codes_are_refused_by_name() {
        assert_eq!(Currency::parse("XAU"), Err(MoneyError::CurrencyWithoutMinorUnit("XAU".into())));
        assert_eq!(Currency::parse("XXX"), Err(MoneyError::CurrencyWithoutMinorUnit("XXX".into())));
        for unknown in ["DEM", "usd", "US", "USDX", "", "U D", "D A", "€"] {
            assert!(matches!(Currency::parse(unknown), Err(MoneyError::UnknownCurrency(_))), "{unknown}");
        }
    }
}
