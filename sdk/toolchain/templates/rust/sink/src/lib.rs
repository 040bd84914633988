use hookyard_plugin::{Event, Failure, Receipt, config, http, sink};

sink!(deliver);

fn deliver(message: Event, _attempt: u32) -> Result<Receipt, Failure> {
    let answer = http::post(config::require("/url")?).body(message.body()).send()?;
    match answer.status {
        200..300 => Ok(Receipt { status: answer.status, detail: answer.text() }),
        429 | 500.. => Err(Failure::Retryable(format!("the receiver answered {}", answer.status))),
        status => Err(Failure::Permanent(format!("the receiver answered {status}"))),
    }
}
