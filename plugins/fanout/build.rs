//! A small stack in a memory that need not grow: what makes a fresh sandbox per event cheap.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=32768");
        println!("cargo::rustc-link-arg-cdylib=--initial-memory=131072");
    }
}
