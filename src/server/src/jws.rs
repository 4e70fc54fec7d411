//! Compact JWS (RFC 7515) with the one algorithm EdDSA. The key is found by `kid` among the configured
//! ones; a key, or anything else that a token carries in its header, is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer};
use prequal_bundle::jwk::{PrivateKey, PublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// `typ` of a checkout token.
pub const CHECKOUT_TYPE: &str = "prequal-checkout+jwt";
/// `typ` of an offer.
pub const OFFER_TYPE: &str = "prequal-offer+jwt";
/// The longest token read.
pub const TOKEN_BYTES_MAX: usize = 128 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs `claims`.
///
/// # Errors
/// When the claims cannot be written as JSON.
pub fn sign<C: Serialize>(key: &PrivateKey, typ: &str, claims: &C) -> Result<String, serde_json::Error> {
    let header = Header { alg: "EdDSA".to_owned(), typ: typ.to_owned(), kid: key.public.kid.clone() };
    let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
    let signature = key.key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    Ok(token)
}

/// Verifies a token and reads its claims; also gives the key that signed it.
///
/// # Errors
/// One readable clause, which names no claim's value.
pub fn verify<'k, C: DeserializeOwned>(
    token: &str,
    typ: &str,
    keys: impl IntoIterator<Item = &'k PublicKey>,
) -> Result<(C, &'k PublicKey), String> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(format!("the token is longer than {TOKEN_BYTES_MAX} bytes"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the token does not have three parts".to_owned());
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "the token is not base64url".to_owned());
    let fields: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| "the header holds other than `alg`, `typ` and `kid`")?;
    if fields.alg != "EdDSA" {
        return Err("`alg` is not `EdDSA`".to_owned());
    }
    if fields.typ != typ {
        return Err(format!("`typ` is not `{typ}`"));
    }
    let key = keys.into_iter().find(|key| key.kid == fields.kid).ok_or("`kid` names no configured key")?;
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| "the signature is not 64 bytes")?;
    let signed = format!("{header}.{payload}");
    key.key.verify_strict(signed.as_bytes(), &signature).map_err(|_| "the signature does not match")?;
    let claims = serde_json::from_slice(&decode(payload)?).map_err(|error| format!("the claims: {error}"))?;
    Ok((claims, key))
}

#[cfg(test)]
mod tests {
    use prequal_bundle::jwk::{Use, generate};
    use serde_json::{Value, json};

    use super::*;

    fn encode(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn what_was_signed_is_read_back() {
        let (key, _) = generate(Use::Checkout).unwrap();
        let token = sign(&key, CHECKOUT_TYPE, &json!({"a": 1})).unwrap();
        let (claims, by) = verify::<Value>(&token, CHECKOUT_TYPE, [&key.public]).unwrap();
        assert_eq!((claims, &by.kid), (json!({"a": 1}), &key.public.kid));
    }

    /// The attacks of RFC 8725, section 2: no algorithm, another type, a key of one's own.
    #[test]
    fn forged_headers_are_refused() {
        let (key, _) = generate(Use::Checkout).unwrap();
        let (other, _) = generate(Use::Checkout).unwrap();
        let token = sign(&key, CHECKOUT_TYPE, &json!({"a": 1})).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let with_header = |header: Value| format!("{}.{}.{}", encode(&header), parts[1], parts[2]);
        let refused = |token: &str| verify::<Value>(token, CHECKOUT_TYPE, [&key.public]).unwrap_err();

        let kid = &key.public.kid;
        assert!(refused(&with_header(json!({"alg":"none","typ":CHECKOUT_TYPE,"kid":kid}))).contains("`alg`"));
        assert!(refused(&with_header(json!({"alg":"EdDSA","typ":OFFER_TYPE,"kid":kid}))).contains("`typ`"));
        assert!(
            refused(&with_header(json!({"alg":"EdDSA","typ":CHECKOUT_TYPE,"kid":kid,"jwk":other.public.jwk})))
                .contains("header")
        );
        assert!(refused(&sign(&other, CHECKOUT_TYPE, &json!({"a": 1})).unwrap()).contains("`kid`"));
        assert!(refused(&format!("{}.{}.{}", parts[0], encode(&json!({"a": 2})), parts[2])).contains("match"));
        assert!(refused("a.b").contains("three parts"));
    }
}
