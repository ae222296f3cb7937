//! How many audit records a second one processor splits, reads and classifies.
//!
//! `cargo run --release --example read_speed -p casbah-app-microsoft365 [file of JSON lines]`; without a file, records
//! of the usual size are invented. A bundle is read many times over; the slowest and the fastest round are printed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use casbah_app_microsoft365::MICROSOFT365;
use casbah_conformance::apps::{SimulatedTenant, Situation, Subject, Truth};
use casbah_connector::{ActivityOutput, ActivitySource, Connector, OutputError, RefusedRecord};
use casbah_model::activity::{Activity, ContentRef};
use casbah_model::app::{App, Components};
use casbah_model::connection::ConnectionSettings;
use casbah_model::event::Event;
use casbah_model::ports::{Clock, Transport};
use casbah_model::record::RecordId;
use casbah_model::secret::Secret;
use casbah_model::transport::{Body, Bytes, Headers, Request, Response, TransportError};

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const ROUNDS: usize = 20;
/// As large as what a socket hands over at a time.
const CHUNK: usize = 64 << 10;

struct Fixed(Bytes);

struct Chunks(Bytes);

#[async_trait]
impl Body for Chunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let piece = self.0.split_to(self.0.len().min(CHUNK));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

struct Canned(Bytes);

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let is_login = request.url.contains("/oauth2/");
        let token =
            Bytes::from_static(br#"{"token_type":"Bearer","expires_in":3599,"access_token":"x"}"#);
        let body = if is_login { token } else { self.0.clone() };
        Ok(Response {
            status: 200,
            headers: Headers::default(),
            body: Box::new(Chunks(body)),
        })
    }
}

impl SimulatedTenant for Fixed {
    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(Canned(self.0.clone()))
    }

    fn settings(&self) -> ConnectionSettings {
        let entered = ["tenant_id", "client_id"].map(|name| (name.to_string(), TENANT.to_string()));
        ConnectionSettings {
            id: "timing".parse().expect("a name"),
            app: App::Microsoft365,
            components: Components::all(),
            tier: Default::default(),
            app_settings: entered.into(),
            endpoints: Default::default(),
        }
    }

    fn secret(&self) -> Secret {
        Secret::new("x")
    }

    fn arrange(&self, _situation: Situation) -> bool {
        false
    }

    fn relax(&self) {}

    fn truth(&self) -> Truth {
        Truth::default()
    }
}

#[derive(Default)]
struct Counted {
    records: u64,
    unknown: u64,
    nameless: u64,
    refused: u64,
}

#[async_trait]
impl ActivityOutput for Counted {
    async fn record(
        &mut self,
        activity: Activity,
        _event: &Event<'_>,
        _raw: &[u8],
    ) -> Result<(), OutputError> {
        self.records += 1;
        self.unknown += u64::from(!activity.is_known);
        self.nameless +=
            u64::from(activity.id.as_str().starts_with("sha256:") || activity.occurred.is_none());
        Ok(())
    }

    async fn refuse(&mut self, _refused: RefusedRecord<'_>) -> Result<(), OutputError> {
        self.refused += 1;
        Ok(())
    }
}

fn invented(number: usize) -> String {
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36";
    let session = "0f0e0d0c-1b1a-1918-1716-151413121110";
    format!(
        r#"{{"AppAccessContext":{{"AADSessionId":"{session}","CorrelationId":"{session}","UniqueTokenId":"{session}"}},"CreationTime":"2026-05-16T09:{:02}:14","Id":"{number:08x}-0000-4000-8000-000000000000","Operation":"FileModified","OrganizationId":"{TENANT}","RecordType":6,"UserKey":"i:0h.f|membership|{number:016x}@live.com","UserType":0,"Version":1,"Workload":"OneDrive","ClientIP":"203.0.113.9","UserId":"someone@contoso.com","CorrelationId":"{session}","EventSource":"SharePoint","ItemType":"File","ListId":"{session}","ListItemUniqueId":"{session}","Site":"{session}","UserAgent":"{agent}","WebId":"{session}","DeviceDisplayName":"203.0.113.9","HighPriorityMediaProcessing":false,"SourceFileExtension":"docx","SiteUrl":"https://contoso-my.sharepoint.com/personal/someone_contoso_com/","SourceFileName":"Quarterly \"plan\" {number}.docx","SourceRelativeUrl":"Documents/Projects","ObjectId":"https://contoso-my.sharepoint.com/personal/someone_contoso_com/Documents/Projects/plan{number}.docx"}}"#,
        number % 60
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "it is real time that is measured"
)]
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let records = match std::env::args().nth(1) {
        Some(path) => std::fs::read_to_string(path)?
            .lines()
            .map(String::from)
            .collect::<Vec<_>>(),
        None => (0..20_000).map(invented).collect(),
    };
    let bundle = Bytes::from(format!("[{}]", records.join(",")));
    let bytes = bundle.len();
    BUNDLE.set(bundle).map_err(|_| "set once")?;
    let subject = Subject {
        connector: &MICROSOFT365,
        started: "2026-05-16T10:00:00Z".parse()?,
        tenant: |_: Arc<dyn Clock>| Box::new(Fixed(BUNDLE.get().cloned().unwrap_or_default())),
    };
    let bench = casbah_conformance::apps::Bench::new(&subject);
    let source: &dyn ActivitySource = MICROSOFT365.activities().ok_or("there is an audit trail")?;
    let feed = source.feeds()[0];
    let content = ContentRef {
        id: RecordId::new("timing"),
        address: format!("https://manage.office.com/api/v1.0/{TENANT}/activity/feed/audit/timing"),
        available: subject.started,
        expires: subject.started,
        not_before: None,
    };
    let mut times = Vec::new();
    let mut counted = Counted::default();
    for _ in 0..ROUNDS {
        counted = Counted::default();
        let session = bench.interactive();
        let begin = Instant::now();
        source.read(&session, &feed, &content, &mut counted).await?;
        times.push(begin.elapsed());
        bench
            .clock
            .sleep_until(bench.clock.now() + casbah_model::SignedDuration::from_mins(1))
            .await;
    }
    let per_second = |time: &Duration| (counted.records as f64 / time.as_secs_f64()).round();
    let (fastest, slowest) = (
        times.iter().min().ok_or("rounds")?,
        times.iter().max().ok_or("rounds")?,
    );
    println!(
        "{} records of {} bytes",
        counted.records,
        bytes / records.len().max(1)
    );
    println!(
        "{} to {} records a second",
        per_second(slowest),
        per_second(fastest)
    );
    println!(
        "{} unknown, {} without id or time, {} refused",
        counted.unknown, counted.nameless, counted.refused
    );
    Ok(())
}

static BUNDLE: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
