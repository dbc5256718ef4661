//! What is kept, for scripts: `/catalog` as Athens answers it, and `/index` as the public index does.
//!
//! Both leave out the modules of `upstream.private` unless `catalog.private` says otherwise: whoever may list
//! everything learns names that should stay inside.

use super::pages::{JSON, TEXT, page};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use download_protocol::Body;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModuleVersion, Patterns},
    store::{Catalog, Feed, StoreError},
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Semaphore;
use url::form_urlencoded;

/// Versions in a page of the catalog if nobody says how many, as Athens has it, and at most. Who asks for more gets
/// the token of the next page, as for any other.
const CATALOG_PAGE: usize = 1000;
const LARGEST_CATALOG_PAGE: usize = 10_000;

/// Lines of the index if nobody says how many, and at most, as the public index has it.
const INDEX_PAGE: usize = 2000;

/// Files of the catalog that are asked of the store at a time.
const FILES: usize = 1000;

/// Listings made at a time. Each may keep a disk or a bucket busy for a while, and those belong to who wants modules.
const AT_A_TIME: usize = 4;

/// Lists versions.
pub(crate) struct Listings {
    catalog: Option<Arc<dyn Catalog>>,
    feed: Arc<dyn Feed>,
    hidden: Patterns,
    room: Semaphore,
}

/// Why there is no list.
enum Refusal {
    /// The question is wrong: a sentence.
    Malformed(String),
    /// The store cannot do it.
    NoCatalog,
    /// The store gives no answer.
    Store(StoreError),
}

/// Athens' words.
#[derive(Serialize)]
struct CatalogPage {
    modules: Vec<CatalogEntry>,
    next: String,
}

#[derive(Serialize)]
struct CatalogEntry {
    module: String,
    version: String,
}

/// The public index's words.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IndexLine<'a> {
    path: &'a str,
    version: &'a str,
    timestamp: String,
}

impl Listings {
    /// Lists what this catalog and this feed have, without the modules of `hidden`.
    pub(crate) fn new(catalog: Option<Arc<dyn Catalog>>, feed: Arc<dyn Feed>, hidden: Patterns) -> Self {
        Self {
            catalog,
            feed,
            hidden,
            room: Semaphore::new(AT_A_TIME),
        }
    }

    /// `/catalog?token=&pagesize=`
    pub(crate) async fn catalog(&self, query: Option<&str>) -> Response<Body> {
        answer(self.catalog_page(&parameters(query)).await)
    }

    /// `/index?since=&limit=`
    pub(crate) async fn index(&self, query: Option<&str>) -> Response<Body> {
        answer(self.index_lines(&parameters(query)).await)
    }

    async fn catalog_page(&self, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
        let catalog = self.catalog.as_ref().ok_or(Refusal::NoCatalog)?;
        let most = count(parameters, "pagesize", CATALOG_PAGE, LARGEST_CATALOG_PAGE)?;
        let mut after = match parameters.get("token") {
            Some(token) => Some(from_token(token).ok_or_else(|| {
                Refusal::Malformed("token must be the `next` of another page of this catalog".into())
            })?),
            None => None,
        };
        // The semaphore is never closed; were it, the list would be made all the same.
        let _room = self.room.acquire().await;
        let (mut modules, mut next) = (Vec::new(), String::new());
        'pages: loop {
            let files = catalog
                .files(after.as_ref(), FILES)
                .await
                .map_err(Refusal::Store)?;
            if files.is_empty() {
                break;
            }
            for file in files {
                if file.kind == Kind::Info && !self.hidden.matches(file.module.path().as_str()) {
                    modules.push(CatalogEntry {
                        module: file.module.path().to_string(),
                        version: file.module.version().to_string(),
                    });
                }
                let full = modules.len() >= most;
                if full {
                    next = to_token(&file.module);
                    break 'pages;
                }
                after = Some(file);
            }
        }
        to_json(&CatalogPage { modules, next })
    }

    async fn index_lines(&self, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
        let most = count(parameters, "limit", INDEX_PAGE, INDEX_PAGE)?;
        let mut since = match parameters.get("since") {
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                Refusal::Malformed(
                    "since must be a moment as RFC 3339 writes it, such as 2026-01-02T15:04:05.000001Z"
                        .into(),
                )
            })?),
            None => None,
        };
        // As above.
        let _room = self.room.acquire().await;
        let (mut lines, mut written) = (String::new(), 0);
        while written < most {
            let entries = self
                .feed
                .since(since, most - written)
                .await
                .map_err(Refusal::Store)?;
            let Some(last) = entries.last() else { break };
            since = last.when.checked_add(SignedDuration::from_micros(1)).ok();
            for entry in &entries {
                if self.hidden.matches(entry.module.path().as_str()) {
                    continue;
                }
                lines.push_str(&to_json(&IndexLine {
                    path: entry.module.path().as_str(),
                    version: entry.module.version().as_str(),
                    timestamp: format!("{:.6}", entry.when),
                })?);
                written += 1;
            }
            if since.is_none() {
                break;
            }
        }
        Ok(lines)
    }
}

/// The parameters of a query that hold something; the first of a name counts.
fn parameters(query: Option<&str>) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if !value.is_empty() {
            parameters.entry(name.into_owned()).or_insert(value.into_owned());
        }
    }
    parameters
}

fn count(
    parameters: &HashMap<String, String>,
    name: &str,
    default: usize,
    most: usize,
) -> Result<usize, Refusal> {
    let Some(text) = parameters.get(name) else {
        return Ok(default);
    };
    match text.parse::<usize>() {
        Ok(count) if count > 0 => Ok(count.min(most)),
        _ => Err(Refusal::Malformed(format!(
            "{name} must be a whole number of at least 1"
        ))),
    }
}

/// The token of the page behind this version: letters, digits, `-` and `_`, so that scripts need not quote it.
fn to_token(module: &ModuleVersion) -> String {
    URL_SAFE_NO_PAD.encode(module.to_string())
}

fn from_token(token: &str) -> Option<ModuleFile> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (path, version) = text.rsplit_once('@')?;
    let module = ModuleVersion::parse(path, version).ok()?;
    Some(ModuleFile::new(module, Kind::Info))
}

/// One value on a line of its own.
fn to_json(value: &impl Serialize) -> Result<String, Refusal> {
    match serde_json::to_string(value) {
        Ok(json) => Ok(json + "\n"),
        Err(error) => Err(Refusal::Store(StoreError::unavailable_because(
            "a list could not be written",
            error,
        ))),
    }
}

fn answer(list: Result<String, Refusal>) -> Response<Body> {
    match list {
        Ok(list) => page(StatusCode::OK, JSON, list),
        Err(Refusal::Malformed(sentence)) => page(StatusCode::BAD_REQUEST, TEXT, sentence + "\n"),
        Err(Refusal::NoCatalog) => page(
            StatusCode::NOT_IMPLEMENTED,
            TEXT,
            "the store of this mirror cannot list what it keeps\n",
        ),
        Err(Refusal::Store(error)) => {
            tracing::warn!(%error, "no list could be made");
            let mut response = page(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{error}\n"));
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_and_needs_no_quoting() {
        for (path, version) in [
            ("example.com/m", "v1.0.0"),
            ("github.com/Azure/x~y/v2", "v2.0.0-RC.1"),
            ("example.com/m", "v2.0.0+incompatible"),
        ] {
            let module = ModuleVersion::parse(path, version).unwrap();
            let token = to_token(&module);
            assert!(
                token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                "{token}"
            );
            assert_eq!(from_token(&token), Some(ModuleFile::new(module, Kind::Info)));
        }
        for token in ["", "x", "!", "ZXhhbXBsZS5jb20", "example.com/m@v1.0.0"] {
            assert_eq!(from_token(token), None, "{token}");
        }
    }
}
