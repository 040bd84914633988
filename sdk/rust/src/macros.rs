//! The macros that make a component of functions.
//!
//! Natively they check the functions' types and do nothing else: tests call the functions.

/// Makes a function the plugin's `process`: `fn(Event) -> Result<Verdict, Failure>`. Once per plugin.
///
/// With `validate = function`, a `fn(&str) -> Vec<String>`, the host asks at load whether the plugin's table, given as JSON text,
/// is right, and refuses it with these problems if it is not. With `describe = "…"` it tells in listings what the plugin does;
/// the package's `description` unless given. Both run without capabilities.
///
/// ```
/// use hookyard_plugin::{Event, Failure, Verdict, config, plugin};
///
/// fn process(event: Event) -> Result<Verdict, Failure> {
///     match event.json_string("/branch") == config::get("/branch") {
///         true => Ok(Verdict::Forward),
///         false => Ok(Verdict::Discard("of another branch".into())),
///     }
/// }
///
/// fn validate(config: &str) -> Vec<String> {
///     let set = hookyard_plugin::json::Json::new(config).member("branch").is_some();
///     if set { Vec::new() } else { vec!["`branch` is missing".into()] }
/// }
///
/// plugin!(process, validate = validate, describe = "Forwards the events of one branch");
/// ```
#[macro_export]
macro_rules! plugin {
    ($process:path $(, $($lifecycle:tt)+)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::Event) -> ::core::result::Result<$crate::Verdict, $crate::Failure> = $process;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Plugin;
            impl $crate::__private::handler::exports::hookyard::plugin::handler::Guest for Plugin {
                fn process(event: $crate::Event) -> ::core::result::Result<$crate::Verdict, $crate::Failure> {
                    $process(event)
                }
            }
            $crate::__private::handler::export_handler!(Plugin with_types_in $crate::__private::handler);
        };
        $($crate::lifecycle!($($lifecycle)+);)?
    };
}

/// Makes a function the plugin's `verify`: `fn(Event) -> Outcome`. Once per plugin. `validate` and `describe` are as for
/// [`plugin!`](crate::plugin).
///
/// ```
/// use hookyard_plugin::{Event, Outcome, secrets, verifier};
///
/// fn verify(request: Event) -> Outcome {
///     let token = request.header("x-token").unwrap_or_default();
///     match secrets::get("acme") {
///         None => Outcome::rejected("the secret `acme` is not granted"),
///         Some(secret) if secrets::are_equal(token.as_bytes(), &secret) => Outcome::genuine(),
///         Some(_) => Outcome::rejected("x-token is not the secret"),
///     }
/// }
///
/// verifier!(verify);
/// ```
#[macro_export]
macro_rules! verifier {
    ($verify:path $(, $($lifecycle:tt)+)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::Event) -> $crate::Outcome = $verify;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Verifier;
            impl $crate::__private::verification::exports::hookyard::plugin::verification::Guest for Verifier {
                fn verify(request: $crate::Event) -> $crate::Outcome {
                    $verify(request)
                }
            }
            $crate::__private::verification::export_verification!(
                Verifier with_types_in $crate::__private::verification
            );
        };
        $($crate::lifecycle!($($lifecycle)+);)?
    };
}

/// Makes a function the plugin's `deliver`, of a plugin that is a destination: `fn(Event, u32) -> Result<Receipt, Failure>`. The
/// number counts the attempts from 1. Once per plugin. `validate` and `describe` are as for [`plugin!`](crate::plugin).
///
/// ```
/// use hookyard_plugin::{Event, Failure, Receipt, http, secrets, sink};
///
/// fn deliver(message: Event, _attempt: u32) -> Result<Receipt, Failure> {
///     let answer = http::post("https://api.example.com/messages")
///         .header("authorization", ["Bearer ", &secrets::require("token")?].concat())
///         .header("idempotency-key", message.id())
///         .json(String::from_utf8_lossy(&message.body()))
///         .send()?
///         .success()?;
///     Ok(Receipt::new(answer.status, answer.header("x-message-id").unwrap_or_default()))
/// }
///
/// sink!(deliver);
/// ```
#[macro_export]
macro_rules! sink {
    ($deliver:path $(, $($lifecycle:tt)+)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::Event, u32) -> ::core::result::Result<$crate::Receipt, $crate::Failure> = $deliver;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Sink;
            impl $crate::__private::delivery::exports::hookyard::plugin::delivery::Guest for Sink {
                fn deliver(
                    message: $crate::Event,
                    attempt: u32,
                ) -> ::core::result::Result<$crate::Receipt, $crate::Failure> {
                    $deliver(message, attempt)
                }
            }
            $crate::__private::delivery::export_delivery!(Sink with_types_in $crate::__private::delivery);
        };
        $($crate::lifecycle!($($lifecycle)+);)?
    };
}

/// The part of [`plugin!`](crate::plugin), [`verifier!`](crate::verifier) and [`sink!`](crate::sink) that is looked at when a
/// plugin is loaded; for a component that has one of them by other means.
#[macro_export]
macro_rules! lifecycle {
    (validate = $validate:path $(,)?) => {
        $crate::lifecycle!(validate = $validate, describe = ::core::env!("CARGO_PKG_DESCRIPTION"));
    };
    (describe = $describe:expr $(,)?) => {
        const _: () = {
            fn anything(_: &str) -> ::std::vec::Vec<::std::string::String> {
                ::std::vec::Vec::new()
            }
            $crate::lifecycle!(validate = anything, describe = $describe);
        };
    };
    (validate = $validate:path, describe = $describe:expr $(,)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: (fn(&str) -> ::std::vec::Vec<::std::string::String>, &str) = ($validate, $describe);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Lifecycle;
            impl $crate::__private::lifecycle::exports::hookyard::plugin::lifecycle::Guest for Lifecycle {
                fn validate(config: ::std::string::String) -> ::std::vec::Vec<::std::string::String> {
                    $validate(&config)
                }
                fn describe() -> ::std::string::String {
                    ::std::string::String::from($describe)
                }
            }
            $crate::__private::lifecycle::export_lifecycle!(
                Lifecycle with_types_in $crate::__private::lifecycle
            );
        };
    };
}

/// Puts the JSON Schema of the plugin's table into the component, from a file beside the source file: `config_schema!("../config.schema.json")`.
/// The host checks the operator's table against it at load, and `hookyard plugin inspect` shows it. Once per plugin.
#[macro_export]
macro_rules! config_schema {
    ($path:literal) => {
        const _: () = {
            const SCHEMA: &[u8] = ::core::include_bytes!($path);
            #[cfg(target_arch = "wasm32")]
            #[used]
            #[unsafe(link_section = "hookyard:config-schema")]
            static SECTION: [u8; SCHEMA.len()] = *::core::include_bytes!($path);
            #[cfg(not(target_arch = "wasm32"))]
            const _: &[u8] = SCHEMA;
        };
    };
}
