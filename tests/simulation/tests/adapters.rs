//! The bucket in memory is held to what every bucket must do: a double that is too kind proves nothing.

use std::sync::Arc;

use casbah_conformance::ports::objects::CASES;
use casbah_simulation::bucket::MemoryObjects;

#[tokio::test]
async fn the_bucket_in_memory_is_a_bucket() {
    for (name, case) in CASES {
        println!("{name}");
        case(Arc::new(MemoryObjects::default())).await;
    }
}
