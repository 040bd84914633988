//! A stock component, which knows nothing of Hookyard: it does what the path of its request says.
//!
//! `cargo build --release --target wasm32-wasip2`, and copy the file to `tests/stock/stock.wasm`.

use std::io::{Read as _, Write as _};

use wasip2::cli::environment::get_environment;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};

struct Stock;

impl wasip2::exports::http::incoming_handler::Guest for Stock {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (word, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        match word {
            // What came in, as far as a test wants to know.
            "echo" => {
                let header = |name: &str| {
                    let values = request.headers().get(&name.to_owned());
                    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
                };
                let id = header("webhook-id");
                let kind = header("content-type");
                let method = matches!(request.method(), Method::Post);
                let body = read(&request);
                let env = get_environment().len();
                let files = std::fs::read_dir("/").is_ok();
                let text = format!("post={method} id={id} type={kind} query={query} env={env} files={files} body=");
                let mut answer = text.into_bytes();
                answer.extend(body);
                answer_with(outparam, rest.parse().unwrap_or(200), &[], &answer);
            }
            "status" => {
                let headers: &[(&str, &str)] = if query.is_empty() { &[] } else { &[("retry-after", query)] };
                answer_with(outparam, rest.parse().unwrap_or(500), headers, b"as told");
            }
            "late" => {
                subscribe_duration(rest.parse::<u64>().unwrap_or(0) * 1_000_000).block();
                answer_with(outparam, 200, &[], b"late");
            }
            "spin" => loop {
                std::hint::black_box(0);
            },
            "hog" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1_u8; 1 << 20]);
                    std::hint::black_box(&hoard);
                }
            }
            "trap" => unreachable!("as told"),
            "silent" => {}
            "flood" => {
                let block = vec![b'x'; 64 * 1024];
                let body = begin(outparam, 200, &[]);
                let mut stream = body.write().expect("a stream");
                while stream.write_all(&block).is_ok() {}
            }
            // The answer of somebody else: `/fetch/http/127.0.0.1:80/path`.
            "fetch" => {
                let (scheme, rest) = rest.split_once('/').unwrap_or((rest, ""));
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                match fetch(scheme, authority, &format!("/{path}"), &read(&request)) {
                    Ok((status, body)) => answer_with(outparam, status, &[], &body),
                    Err(error) => answer_with(outparam, 502, &[], error.as_bytes()),
                }
            }
            _ => answer_with(outparam, 404, &[], b"unknown"),
        }
    }
}

fn read(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("once");
    let mut bytes = Vec::new();
    let _ = body.stream().expect("once").read_to_end(&mut bytes);
    bytes
}

fn begin(outparam: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> OutgoingBody {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(&(*name).to_owned(), &value.as_bytes().to_vec()).expect("a header");
    }
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("once");
    ResponseOutparam::set(outparam, Ok(response));
    body
}

fn answer_with(outparam: ResponseOutparam, status: u16, headers: &[(&str, &str)], text: &[u8]) {
    let body = begin(outparam, status, headers);
    let mut stream = body.write().expect("a stream");
    let _ = stream.write_all(text);
    let _ = stream.flush();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn fetch(scheme: &str, authority: &str, path: &str, text: &[u8]) -> Result<(u16, Vec<u8>), String> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Post).expect("a method");
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(path)).expect("a path");
    let body = request.body().expect("once");
    let answer = handle(request, None).map_err(|code| format!("{code:?}"))?;
    let mut stream = body.write().expect("a stream");
    stream.write_all(text).map_err(|error| error.to_string())?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|code| format!("{code:?}"))?;
    answer.subscribe().block();
    let answer = answer.get().expect("it is there").expect("once").map_err(|code| format!("{code:?}"))?;
    let mut bytes = Vec::new();
    let incoming = answer.consume().expect("once");
    incoming.stream().expect("once").read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok((answer.status(), bytes))
}

wasip2::http::proxy::export!(Stock);
