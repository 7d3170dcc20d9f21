//! The order of one endpoint's deliveries, in memory: one at a time for each object, in the order of its events. A
//! failed delivery waits for its retry, and later ones of its object wait for it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use paygen_core::events::Event;
use paygen_core::ids::{EventId, Id};
use paygen_core::time::Instant;
use paygen_core::webhooks::{Delivery, Next, Queued};

pub(super) struct Item {
    pub(super) id: EventId,
    pub(super) position: i64,
    /// The event; `None` while the delivery is parked, and then it is read when it is sent.
    pub(super) event: Option<Arc<Event>>,
    pub(super) attempts: i64,
    pub(super) has_row: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Ready,
    Sending,
    Blocked(Instant),
}

/// The deliveries of one object, in order.
struct Queue {
    state: State,
    items: VecDeque<Item>,
}

/// The deliveries of an endpoint, by object.
#[derive(Default)]
pub(super) struct Order {
    queues: HashMap<Id, Queue>,
    ready: VecDeque<Id>,
    due: BTreeSet<(Instant, Id)>,
    rows: HashSet<EventId>,
    fresh: usize,
    parked: Vec<Queued>,
}

impl Order {
    /// The number of queued events that are neither delivered nor parked.
    pub(super) fn fresh(&self) -> usize {
        self.fresh
    }

    /// The number of deliveries that have a row.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Deliveries that were parked since the last call and need a row.
    pub(super) fn take_parked(&mut self) -> Vec<Queued> {
        std::mem::take(&mut self.parked)
    }

    /// Queues an event after the earlier ones of its object. Returns whether it is new: an event that has a row is
    /// already queued.
    pub(super) fn take(&mut self, event: Event, position: i64) -> bool {
        let (object, id) = (event.object_id, event.id);
        if self.rows.contains(&id) {
            return false;
        }
        let mut item = Item { id, position, event: Some(Arc::new(event)), attempts: 0, has_row: false };
        let Some(queue) = self.queues.get_mut(&object) else {
            self.fresh += 1;
            self.queues.insert(object, Queue { state: State::Ready, items: VecDeque::from([item]) });
            self.ready.push_back(object);
            return true;
        };
        match queue.state {
            State::Blocked(_) => park(&mut item, object, &mut self.parked, &mut self.rows),
            State::Ready | State::Sending => self.fresh += 1,
        }
        queue.items.push_back(item);
        true
    }

    /// Queues a delivery that has a row. One already queued is retried sooner, if the row is due sooner.
    pub(super) fn take_row(&mut self, row: &Delivery) {
        let (object, due) = (row.object_id, row.next_attempt_at);
        if !self.rows.insert(row.event) {
            self.hurry(row);
            return;
        }
        let item = Item { id: row.event, position: row.position, event: None, attempts: row.attempts, has_row: true };
        let state = due.map_or(State::Ready, State::Blocked);
        let Some(queue) = self.queues.get_mut(&object) else {
            self.queues.insert(object, Queue { state, items: VecDeque::from([item]) });
            self.enter(object, state);
            return;
        };
        // A request in flight is not overtaken; otherwise an earlier event goes first.
        let first = usize::from(queue.state == State::Sending);
        let place = queue.items.iter().skip(first).take_while(|known| known.position < item.position).count() + first;
        queue.items.insert(place, item);
        if place == 0 {
            let before = std::mem::replace(&mut queue.state, state);
            self.leave(object, before);
            self.enter(object, state);
        }
    }

    fn hurry(&mut self, row: &Delivery) {
        let (Some(queue), Some(at)) = (self.queues.get_mut(&row.object_id), row.next_attempt_at) else { return };
        let is_first = queue.items.front().is_some_and(|first| first.id == row.event);
        if let State::Blocked(before) = queue.state
            && is_first
            && at < before
        {
            queue.state = State::Blocked(at);
            self.leave(row.object_id, State::Blocked(before));
            self.enter(row.object_id, State::Blocked(at));
        }
    }

    fn enter(&mut self, object: Id, state: State) {
        match state {
            State::Ready => self.ready.push_back(object),
            State::Blocked(at) => drop(self.due.insert((at, object))),
            State::Sending => {}
        }
    }

    fn leave(&mut self, object: Id, state: State) {
        match state {
            State::Ready => self.ready.retain(|ready| *ready != object),
            State::Blocked(at) => drop(self.due.remove(&(at, object))),
            State::Sending => {}
        }
    }

    /// When the next delivery is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Makes the deliveries due by now ready.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some((_, object)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            if let Some(queue) = self.queues.get_mut(&object) {
                queue.state = State::Ready;
                self.ready.push_back(object);
            }
        }
    }

    /// Objects whose next delivery is a retry that is ready or in flight.
    pub(super) fn retrying(&self) -> HashSet<Id> {
        let again = |(object, queue): (&Id, &Queue)| {
            let waits = matches!(queue.state, State::Blocked(_));
            (!waits && queue.items.front().is_some_and(|item| item.has_row)).then_some(*object)
        };
        self.queues.iter().filter_map(again).collect()
    }

    /// Takes the next ready delivery; its object is in flight until [`Order::finish`] or [`Order::put_off`].
    pub(super) fn begin(&mut self) -> Option<(Id, &Item)> {
        let object = self.ready.pop_front()?;
        let queue = self.queues.get_mut(&object)?;
        queue.state = State::Sending;
        queue.items.front().map(|item| (object, item))
    }

    /// The delivery of the object that is in flight.
    pub(super) fn in_flight(&self, object: Id) -> Option<&Item> {
        self.queues.get(&object)?.items.front()
    }

    /// Postpones a delivery that could not be sent to this instant.
    pub(super) fn put_off(&mut self, object: Id, until: Instant) {
        if let Some(queue) = self.queues.get_mut(&object) {
            queue.state = State::Blocked(until);
            self.enter(object, State::Blocked(until));
        }
    }

    /// Applies the outcome of an attempt and moves the object on.
    pub(super) fn finish(&mut self, object: Id, attempt: i64, next: Next) {
        match next {
            Next::Retry(at) => self.block(object, attempt, at),
            Next::Done | Next::GiveUp => self.go_on(object),
        }
    }

    fn block(&mut self, object: Id, attempt: i64, at: Instant) {
        let Some(queue) = self.queues.get_mut(&object) else { return };
        for (place, item) in queue.items.iter_mut().enumerate() {
            if !item.has_row {
                self.fresh -= 1;
                match place {
                    // A first attempt's row is created by its result.
                    0 => drop(self.rows.insert(item.id)),
                    _ => park(item, object, &mut self.parked, &mut self.rows),
                }
            }
            if place == 0 {
                (item.has_row, item.event, item.attempts) = (true, None, attempt);
            }
        }
        queue.state = State::Blocked(at);
        self.due.insert((at, object));
    }

    fn go_on(&mut self, object: Id) {
        let Some(queue) = self.queues.get_mut(&object) else { return };
        if let Some(done) = queue.items.pop_front() {
            match done.has_row {
                true => drop(self.rows.remove(&done.id)),
                false => self.fresh -= 1,
            }
        }
        if queue.items.is_empty() {
            self.queues.remove(&object);
        } else {
            queue.state = State::Ready;
            self.ready.push_back(object);
        }
    }
}

/// Parks an event: it waits for an earlier one of its object that will be retried.
fn park(item: &mut Item, object: Id, parked: &mut Vec<Queued>, rows: &mut HashSet<EventId>) {
    parked.push(Queued { event: item.id, object_id: object, position: item.position, at: None });
    rows.insert(item.id);
    (item.has_row, item.event) = (true, None);
}

#[cfg(test)]
mod tests {
    use paygen_core::events::Event;
    use paygen_core::ids::{ClientId, EventId, Id, WebhookId};
    use paygen_core::time::Instant;
    use paygen_core::webhooks::{Delivery, DeliveryStatus, Next};

    use super::Order;

    fn id(byte: u8) -> Id {
        Id::from_bytes([byte; 12])
    }

    fn event(number: u8, object: u8) -> Event {
        Event {
            client: ClientId(id(0)),
            id: EventId(id(number)),
            kind: "card.created".to_owned(),
            object_type: "card".to_owned(),
            object_id: id(object),
            sequence: 1,
            position: Some(number.into()),
            data: "{}".to_owned(),
            request_id: String::new(),
            created_at: Instant::from_micros(0),
        }
    }

    fn row(number: u8, object: u8, due: Option<i64>) -> Delivery {
        Delivery {
            client: ClientId(id(0)),
            webhook: WebhookId(id(0)),
            event: EventId(id(number)),
            object_id: id(object),
            position: number.into(),
            status: DeliveryStatus::Pending,
            attempts: 1,
            next_attempt_at: due.map(Instant::from_micros),
            created_at: Instant::from_micros(0),
        }
    }

    fn begin(order: &mut Order) -> Option<(u8, u8)> {
        order.begin().map(|(object, item)| (object.bytes()[0], item.id.0.bytes()[0]))
    }

    fn retry(at: i64) -> Next {
        Next::Retry(Instant::from_micros(at))
    }

    #[test]
    fn one_at_a_time_for_each_object_in_order() {
        let mut order = Order::default();
        for (number, object) in [(1, 100), (2, 101), (3, 100)] {
            order.take(event(number, object), number.into());
        }
        assert_eq!((begin(&mut order), begin(&mut order), begin(&mut order)), (Some((100, 1)), Some((101, 2)), None));
        order.finish(id(100), 1, Next::Done);
        assert_eq!((begin(&mut order), begin(&mut order), order.fresh()), (Some((100, 3)), None, 2));
        order.finish(id(100), 1, Next::Done);
        order.finish(id(101), 1, Next::GiveUp);
        assert_eq!((begin(&mut order), order.fresh(), order.rows()), (None, 0, 0));
    }

    #[test]
    fn what_comes_after_a_failure_waits_behind_it() {
        let mut order = Order::default();
        order.take(event(1, 100), 1);
        order.take(event(2, 100), 2);
        assert_eq!(begin(&mut order), Some((100, 1)));
        order.finish(id(100), 1, retry(50));
        order.take(event(3, 100), 3);
        let parked: Vec<i64> = order.take_parked().iter().map(|parked| parked.position).collect();
        assert_eq!((parked, order.fresh(), order.rows()), (vec![2, 3], 0, 3));
        order.wake(Instant::from_micros(49));
        assert_eq!((begin(&mut order), order.next_due()), (None, Some(Instant::from_micros(50))));
        order.wake(Instant::from_micros(50));
        assert_eq!(order.retrying().len(), 1);
        for expected in [1, 2, 3] {
            assert_eq!(begin(&mut order), Some((100, expected)));
            order.finish(id(100), 2, Next::Done);
        }
        assert_eq!((begin(&mut order), order.rows(), order.take_parked().len()), (None, 0, 0));
    }

    #[test]
    fn rows_are_ordered_and_known_ones_move_forward() {
        let mut order = Order::default();
        order.take_row(&row(5, 100, Some(80)));
        order.take_row(&row(6, 100, None));
        order.take_row(&row(5, 100, Some(90)));
        assert_eq!(order.next_due(), Some(Instant::from_micros(80)), "later is not sooner");
        order.take_row(&row(5, 100, Some(10)));
        assert_eq!(order.next_due(), Some(Instant::from_micros(10)));
        // An earlier event that is requested again goes first, but does not overtake a request in flight.
        order.take_row(&row(4, 100, Some(5)));
        order.wake(Instant::from_micros(5));
        assert_eq!(begin(&mut order), Some((100, 4)));
        order.take_row(&row(3, 100, Some(5)));
        order.finish(id(100), 1, Next::Done);
        for expected in [3, 5, 6] {
            assert_eq!(begin(&mut order), Some((100, expected)));
            order.finish(id(100), 1, Next::Done);
        }
        assert_eq!((order.rows(), order.next_due()), (0, None));
    }
}
