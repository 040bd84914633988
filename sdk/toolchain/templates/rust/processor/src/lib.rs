use hookyard_plugin::{Event, Failure, Verdict, output, plugin};

plugin!(process);

fn process(event: Event) -> Result<Verdict, Failure> {
    if event.json_string("/action").as_deref() == Some("deleted") {
        return Ok(Verdict::Discard("deleted".into()));
    }
    output::set_header("x-kind", event.kind());
    Ok(Verdict::Forward)
}
