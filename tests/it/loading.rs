//! What a plugin does when it is loaded: it checks its settings, without any powers, and may bring a JSON Schema of them.

use hookyard_tests::{Loading, Plan, loading_guest, payload};

/// Starts a gateway with such a guest, with these settings and limits. What is expected is a part of why it does not
/// start, or nothing where it does.
async fn check(loading: Loading<'_>, schema: Option<&str>, table: &str, expected: Option<&str>) {
    let toml = format!(
        "[plugins.guest]\npath = \"guest.wasm\"\nlimits = {{ cpu = \"50ms\" }}\n{table}\n[routes.all]\nsource = \"github\"\n\
         plugins = [\"guest\"]\nto = [\"sink\"]\n"
    );
    let plan = Plan::new().await.file("guest.wasm", loading_guest(loading, schema));
    match (plan.try_start(&toml).await, expected) {
        (Ok(yard), None) => {
            yard.send_github("push", payload()).await;
            yard.sink.next().await;
        }
        (Err(error), Some(expected)) => {
            let said = error.to_string();
            assert!(said.contains(expected), "{loading:?}: {said}");
            assert!(said.contains("config.toml:"), "it says where: {said}");
            assert!(said.contains("plugin `guest`: "), "it says which: {said}");
        }
        (Ok(_), Some(expected)) => panic!("{loading:?}: it starts, and should say {expected:?}"),
        (Err(error), None) => panic!("{loading:?}: {error}"),
    }
}

#[tokio::test]
async fn a_plugin_checks_its_settings() {
    check(Loading::Fine, None, "", None).await;
    check(Loading::Logs, None, "", None).await;
    check(Loading::Complains("the moon is full"), None, "", Some("config: the moon is full")).await;
}

/// P6
#[tokio::test]
async fn while_it_is_loaded_a_plugin_reaches_nothing() {
    let reaches = "it called not-before of hookyard:plugin/output@0.1.0; while it is loaded";
    check(Loading::Reaches, None, "", Some(reaches)).await;
    check(Loading::Spins, None, "", Some("failed while it was loaded: deadline: ")).await;
    check(Loading::Traps, None, "", Some("failed while it was loaded: trap: ")).await;
}

#[tokio::test]
async fn settings_are_checked_against_the_schema_of_the_plugin() {
    let fine = Loading::Fine;
    let schema = Some(r#"{"properties": {"a": {"type": "integer"}}, "unevaluatedItems": false}"#);
    check(fine, schema, "config = { a = 1 }", None).await;
    check(fine, schema, "config = { a = \"1\" }", Some("config/a: expected an integer, found a string"))
        .await;
    // It is not even asked about settings that do not fit.
    let complains = Loading::Complains("the moon is full");
    check(complains, schema, "config = { a = [] }", Some("config/a: expected an integer, found a list"))
        .await;
    for (schema, expected) in [
        ("{", "brings a JSON Schema that cannot be used: it is not JSON"),
        (r#"{"$ref": "https://example.com/x"}"#, "nothing is fetched"),
        (r##"{"$ref": "#"}"##, "brings a JSON Schema that cannot be used: checking it takes more than"),
    ] {
        check(fine, Some(schema), "", Some(expected)).await;
    }
}
