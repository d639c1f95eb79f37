//! One page of a list: its successor's token while it arrives, its items when it has.

use super::connection::Connections;
use crate::Result;
use bytes::Bytes;
use http_body_util::BodyExt;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

/// Objects of one page: what a namespace of the benchmark holds of a kind comes in a few.
const LIMIT: usize = 2_000;

/// A list that has arrived, cut into items.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    name: &'a str,
}

/// Reads a page; `tell` gets the next page's token as soon as it has arrived, or is dropped if there is none.
pub(super) async fn fetch(
    connections: &Connections,
    path: &str,
    token: Option<&str>,
    tell: oneshot::Sender<String>,
) -> Result<Bytes> {
    let mut path = format!("{path}?limit={LIMIT}");
    if let Some(token) = token {
        // Tokens are of the URL-safe base64 alphabet.
        path.push_str("&continue=");
        path.push_str(token);
    }
    let mut connection = connections.take().await?;
    let mut answer = connection.get(&path).await?;
    let mut body = Vec::new();
    let mut tell = Some(tell);
    while let Some(frame) = answer.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        body.extend_from_slice(&data);
        if tell.is_some()
            && let Some(head) = memmem::find(&body, br#""items":["#)
        {
            let tell = tell.take();
            if let (Some(tell), Some(token)) = (tell, token_of(&body[..head])) {
                // Nobody listens when the benchmark has failed elsewhere.
                let _ = tell.send(token);
            }
        }
    }
    connections.give_back(connection);
    Ok(body.into())
}

fn token_of(head: &[u8]) -> Option<String> {
    let start = memmem::find(head, br#""continue":""#)? + 12;
    let length = memchr::memchr(b'"', &head[start..])?;
    let token = std::str::from_utf8(&head[start..start + length]).ok()?;
    (!token.is_empty()).then(|| token.to_owned())
}

/// Calls `each` with every item's name and its JSON, `apiVersion` and `kind` in front.
pub(super) fn items(
    body: &[u8],
    api_version: &str,
    kind: &str,
    mut each: impl FnMut(&str, &[u8]) -> Result<()>,
) -> Result<()> {
    let list: List<'_> = serde_json::from_slice(body)?;
    let head = format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}","#);
    let mut json = Vec::new();
    for item in list.items {
        let text = item.get();
        let named: Item<'_> = serde_json::from_str(text)?;
        json.clear();
        json.extend_from_slice(head.as_bytes());
        json.extend_from_slice(
            text.as_bytes()
                .strip_prefix(b"{")
                .ok_or("an item is not an object")?,
        );
        each(named.metadata.name, &json)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_items() {
        let body = br#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"abc","remainingItemCount":1},"items":[{"metadata":{"name":"a"},"data":{}}]}"#;
        assert_eq!(token_of(body).as_deref(), Some("abc"));
        assert_eq!(token_of(br#"{"metadata":{"continue":""}}"#), None);
        let mut seen = Vec::new();
        items(body, "v1", "ConfigMap", |name, json| {
            seen.push((name.to_owned(), String::from_utf8(json.to_vec())?));
            Ok(())
        })
        .unwrap();
        let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{}}"#;
        assert_eq!(seen, [("a".to_owned(), json.to_owned())]);
    }
}
