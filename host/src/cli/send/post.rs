//! Sends one signed request and waits for its answer.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;

use crate::config::ServerTls;
use crate::signature::Draft;

/// What a receiver said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// The code with its name: `202 Accepted`.
    pub(super) status: String,
    /// Whether it took the request.
    pub(super) accepted: bool,
    pub(super) body: String,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Sends a request to an address of http or https; `own` is what the gateway's own certificate is found by.
pub(super) fn post(url: &str, draft: &Draft, own: Option<&ServerTls>) -> Result<Answer, AnyError> {
    let uri: Uri = url.parse()?;
    let mut request = Request::builder().method(draft.method.as_str()).uri(uri);
    for (name, value) in draft.headers.iter() {
        request = request.header(name, &value[..]);
    }
    let request: Request<Full<Bytes>> = request.body(Full::new(draft.body.bytes().clone()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(super::super::post::post(request, own))?;
    let status = answer.status();
    Ok(Answer {
        code: status.as_u16(),
        status: status.to_string(),
        accepted: status.is_success(),
        body: String::from_utf8_lossy(answer.body()).into_owned(),
    })
}
