//! What the OpenAPI document says beside what stands at each route: what every route of its kind may answer.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::extract::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::problem::{Kind, TYPE_PREFIX};

/// Where the document says what a problem's `type` is.
const PROBLEM_TYPE: &str =
    "/components/responses/ProblemDocument/content/application~1problem+json/schema/properties/type";

/// Paths that name something configured.
const NAMED: [&str; 2] = ["/v1/funders/", "/v1/merchants/"];

/// Every header that an answer may have beside its content's own.
const HEADERS: [(&str, &str); 4] = [
    ("traceparent", "The trace that the request belongs to (W3C Trace Context)."),
    ("x-request-id", "The trace's id, by which the request is found in the log."),
    ("RateLimit", "What is left of the limit on how often may be asked."),
    ("RateLimit-Policy", "That limit."),
];

/// The whole document as JSON.
pub fn complete(document: &OpenApi) -> String {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    enumerate_problems(&mut document);
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, item) in paths {
            let Some(item) = item.as_object_mut() else { continue };
            for (method, operation) in item {
                if let Some(operation) = operation.as_object_mut() {
                    complete_operation((path, method), operation);
                }
            }
        }
    }
    document.to_string()
}

/// A reader may rely on a `type` being one of the table's.
fn enumerate_problems(document: &mut Value) {
    let types: Vec<String> = Kind::ALL.iter().map(|kind| format!("{TYPE_PREFIX}{}", kind.slug())).collect();
    let known = document.pointer_mut(PROBLEM_TYPE);
    if let Some(known) = known.and_then(Value::as_object_mut) {
        known.insert("enum".to_owned(), json!(types));
    }
}

fn complete_operation((path, method): (&str, &str), operation: &mut Map<String, Value>) {
    name(path, operation);
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    let mut headers = Vec::new();
    let mut has_path = false;
    for parameter in parameters.into_iter().flatten() {
        has_path |= parameter["in"] == "path";
        headers.extend(constrain(path, parameter));
    }
    let has = |name: &str| headers.iter().any(|header| header.eq_ignore_ascii_case(name));
    let changes = method != "get";
    let has_body = operation.contains_key("requestBody");
    let mut statuses = vec![400, 414, 429, 431, 500, 503];
    if operation.contains_key("security") {
        statuses.extend([401, 403, 404]);
    }
    if has_path {
        statuses.push(404);
    }
    if changes {
        statuses.extend([409, 410, 422]);
    }
    if has_body {
        statuses.extend([413, 415, 422]);
    }
    if has("if-match") {
        statuses.push(412);
    }
    let conditional = has("if-none-match");
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    responses.remove("4XX");
    for status in statuses {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "$ref": "#/components/responses/ProblemDocument" }));
    }
    if conditional {
        responses.insert("304".to_owned(), json!({ "description": "Nothing changed since." }));
    }
    for (status, response) in responses.iter_mut() {
        if let Some(response) = response.as_object_mut().filter(|response| !response.contains_key("$ref")) {
            answer_headers(response, conditional || has("if-match"), status.starts_with('2') || status == "304");
        }
    }
}

fn answer_headers(response: &mut Map<String, Value>, has_tag: bool, shows_state: bool) {
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    let Some(headers) = headers.as_object_mut() else { return };
    let text = |about: &str| json!({ "description": about, "schema": { "type": "string" } });
    for (name, about) in HEADERS {
        headers.insert(name.to_owned(), text(about));
    }
    if has_tag && shows_state {
        headers.insert("ETag".to_owned(), text("The state that is shown, for `If-Match` and `If-None-Match`."));
    }
}

/// A name that no other operation has: its noun's, what stands in its path after the noun, and its own.
fn name(path: &str, operation: &mut Map<String, Value>) {
    let noun = operation.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str).unwrap_or("server");
    let own = operation.get("operationId").and_then(Value::as_str).unwrap_or("");
    let parts = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{') && *part != "v1");
    let between: Vec<&str> = parts.filter(|part| *part != noun && *part != own).collect();
    let whole = [&[noun], &*between, &[own]].concat().join("_").replace(['-', '.'], "_");
    operation.insert("operationId".to_owned(), whole.into());
}

/// Says of a parameter what the server asks of it; gives its name where it is a header.
fn constrain(path: &str, parameter: &mut Value) -> Option<String> {
    let name = parameter["name"].as_str()?.to_owned();
    let place = parameter["in"].as_str()?.to_owned();
    let schema = parameter["schema"].as_object_mut()?;
    match (place.as_str(), name.as_str()) {
        // What is configured has a name, and what is made has an id.
        ("path", _) if NAMED.iter().any(|noun| path.starts_with(noun)) => {
            schema.insert("pattern".to_owned(), json!("^[A-Za-z0-9._-]{1,64}$"));
        }
        ("path", _) if schema.len() == 1 => {
            schema.insert("format".to_owned(), json!("uuid"));
        }
        ("header", "Idempotency-Key") => {
            schema.insert("minLength".to_owned(), json!(1));
            schema.insert("maxLength".to_owned(), json!(IDEMPOTENCY_KEY_BYTES_MAX));
            // Visible ASCII and spaces inside; a proxy may take away what stands at the ends.
            schema.insert("pattern".to_owned(), json!("^[!-~]([ -~]*[!-~])?$"));
        }
        ("query", "limit") => {
            schema.insert("minimum".to_owned(), json!(1));
            schema.insert("maximum".to_owned(), json!(super::page::PAGE_MAX));
        }
        _ => {}
    }
    (place == "header").then_some(name)
}
