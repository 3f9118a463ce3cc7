//! What the journal says about a request.

use serde_json::Value;

use crate::Demo;

/// Events of the requests of one activity, in the journal's order.
#[derive(Debug)]
pub struct Answered(pub Vec<Value>);

impl Answered {
    /// Their ids.
    pub fn ids(&self) -> Vec<u64> {
        ids(&self.0)
    }

    /// The first event with this id.
    pub fn first(&self, id: u64) -> &Value {
        self.0
            .iter()
            .find(|event| event["id"] == id)
            .unwrap_or_else(|| panic!("no event {id} among {:?}", self.ids()))
    }

    /// The ids without 403, 404, 410 and 510, which stand around every request.
    pub fn inner_ids(&self) -> Vec<u64> {
        self.ids().into_iter().filter(|id| ![403, 404, 410, 510].contains(id)).collect()
    }

    /// Item `number` (from 1) of the first event with this id.
    pub fn item(&self, id: u64, number: usize) -> &str {
        let event = self.first(id);
        event["data"][number - 1].as_str().unwrap_or_else(|| panic!("no item {number}: {event}"))
    }

    /// Whether a token was issued to anybody but the service itself.
    pub fn issued_a_token(&self) -> bool {
        self.ids().contains(&1200)
    }
}

/// Ids of events.
pub fn ids(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["id"].as_u64().expect("an id")).collect()
}

impl Demo {
    /// Everything in `events.jsonl`, as text.
    pub fn event_lines(&self) -> String {
        std::fs::read_to_string(self.data.join("journal").join("events.jsonl")).unwrap_or_default()
    }

    /// Events with this id, newest last, once there are at least `count`.
    pub fn events(&self, id: u64, count: usize) -> Vec<Value> {
        self.wait_for_events(&format!("\"id\":{id},"), |events| {
            let found: Vec<Value> = events.into_iter().filter(|event| event["id"] == id).collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// Events of an activity, once the journal has the answers to `answers` requests of it: each ends with 404 and
    /// the headers of the answer.
    pub fn answered(&self, activity: &str, answers: usize) -> Answered {
        Answered(self.wait_for_events(&format!("\"activity\":\"{activity}\""), |events| {
            let mine: Vec<Value> = events.into_iter().filter(|event| event["activity"] == activity).collect();
            let headers_of_answer = |at: usize| {
                mine[at]["id"] == 404
                    && mine[at + 1..].iter().any(|e| e["id"] == 510 && e["instance"] == mine[at]["instance"])
            };
            ((0..mine.len()).filter(|at| headers_of_answer(*at)).count() >= answers).then_some(mine)
        }))
    }

    /// Looks at the lines that contain `text` until they are what is wanted, ten seconds at most: the lines are
    /// derived behind the answer, within a moment.
    fn wait_for_events(&self, text: &str, wanted: impl Fn(Vec<Value>) -> Option<Vec<Value>>) -> Vec<Value> {
        for _ in 0..400 {
            let lines = self.event_lines();
            let lines = lines.lines().filter(|line| line.contains(text));
            // The last line may be half written.
            if let Some(events) = wanted(lines.filter_map(|line| serde_json::from_str(line).ok()).collect()) {
                return events;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(25));
        }
        panic!("events.jsonl has not enough lines with {text}; its end:\n{}", self.last_lines());
    }

    fn last_lines(&self) -> String {
        let lines = self.event_lines();
        let skipped = lines.lines().count().saturating_sub(20);
        lines.lines().skip(skipped).collect::<Vec<_>>().join("\n")
    }
}
