//! Somebody else of the same organisation uses up what the vendor allows for a day.

use casbah_model::ports::StateStore;
use casbah_model::state::{Condition, Key, Set, Write};

use crate::host::Host;
use crate::mark::Mark;

/// Units of a day for the smallest tenants (Avoid getting throttled in SharePoint Online, "Application throttling").
const DAY_UNITS: u64 = 1_200_000;
/// Of them, as much as leaves the reserve alone: slices are handed out again after some hours.
const USED_PERCENT: u64 = 87;

/// Counts the units into the limit's item, as our own use would be.
pub async fn use_up(host: &Host) {
    let bucket = {
        let watch = host.world.watch.state();
        let found = watch.shadow.items().find(|(key, item)| {
            key.pk.starts_with("B#") && key.pk.contains("sharepoint") && item.contains_key("du")
        });
        found.map(|(key, _)| key.clone())
    };
    let Some(key) = bucket else { return };
    write(host, key).await;
    host.world.watch.mark(Mark::DayUsedUp);
}

async fn write(host: &Host, key: Key) {
    let write = Write::update(
        key,
        Condition::Exists,
        vec![Set::To("du", (DAY_UNITS * USED_PERCENT / 100).into())],
    );
    let watch = &host.world.watch;
    let writes = vec![write.clone()];
    let expected = watch.expect(None, &writes);
    let written = host.table.write(write).await;
    let applied = match written {
        Ok(_) => crate::watch::Applied::Yes,
        Err(_) => crate::watch::Applied::No,
    };
    watch.wrote(0, None, &writes, applied, expected);
}
