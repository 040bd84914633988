//! The ways in which a plugin fails, told apart.

use hookyard_tests::{Guest, Yard, payload};

/// P6
#[tokio::test]
async fn a_trap_names_the_function() {
    let yard = Yard::with_guest(Guest::new().trap(), "on_error = \"dead-letter\"").await;
    assert_eq!(yard.send_github("push", payload()).await.status, 202);
    let dead = yard.dead_letter().await;
    assert!(dead.cause.contains("the_culprit"), "{}", dead.cause);
    assert_eq!(yard.faults("trap").await, 1.0);
}
