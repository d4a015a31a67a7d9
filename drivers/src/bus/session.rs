//! One connection to an MQTT broker, from its acceptance to its end.
//!
//! What comes is read in large pieces and handed over in batches; what goes out is put into one buffer and written at once.
//! While the shell's queue is full nothing is read. Quality of service 2 is not used: a measurement that came twice is
//! harmless, a command is confirmed by what the device says it is.

use super::MqttBus;
use super::context::{Context, deadline, duration};
use super::flood::Flood;
use super::mqtt::{Fault, GONE, Link, Stream, THERE};
use super::post::{Desk, Ears, Letter, Parcel};
use crate::limits::{BATCH_MAX, FILTERS_MAX, FULL_RETRY, PACKET_MAX, STALL_MAX, UNCONFIRMED_MAX, UNSENT_MAX};
use crate::readings::WriteResult;
use crate::shape::{Heard, Listener};
use ballast_guard::{Door, Permit};
use ballast_model::{OutputId, Span};
use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{self, QoS, v4};
use std::collections::{BTreeMap, VecDeque};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use v4::{Packet, PingReq, PubAck, Publish, Subscribe, SubscribeFilter, SubscribeReasonCode, Unsubscribe};

/// Room made for one read. A read takes what is there; more room means fewer calls in a flood.
const READ_MAX: usize = 64 * 1024;

/// Permits taken at once.
const TAKE_MAX: usize = 64;

/// After the broker has confirmed the subscriptions of a kept session, what waited for us is through within this time.
const BACKLOG: Span = Span::from_secs(1);

/// How a session ended.
pub(super) enum SessionEnd {
    /// The bus was ended.
    Stopped,
    /// The connection is no good any more.
    Fault(Fault),
}

/// A command on its way.
struct Unconfirmed {
    id: u16,
    output: OutputId,
    counter: u64,
    until: Instant,
}

/// Whether messages may have waited at the broker while we were away.
enum Backlog {
    /// They cannot.
    None,
    /// They can until the subscriptions are confirmed.
    UntilSubscribed,
    /// They can until then.
    Until(Instant),
}

pub(super) struct Session<'a> {
    bus: &'a mut MqttBus,
    context: &'a mut Context,
    doors: &'a mut BTreeMap<OutputId, Door>,
    desk: &'a mut Desk,
    input: BytesMut,
    output: BytesMut,
    /// Bytes of a packet that is too large which are still to come.
    skip: usize,
    last_id: u16,
    /// Subscriptions on their way: the place of their first filter.
    subscriptions: BTreeMap<u16, usize>,
    /// Commands that the broker is to confirm, oldest first.
    unconfirmed: VecDeque<Unconfirmed>,
    /// Commands in `output` that nobody confirms.
    unsent: Vec<(OutputId, u64)>,
    /// Messages to confirm once the batch is taken.
    to_confirm: Vec<u16>,
    backlog: Backlog,
    sent_at: Instant,
    /// Since when `output` has not got shorter.
    stuck_since: Option<Instant>,
    /// Since when the broker owes an answer to a ping.
    ping_since: Option<Instant>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        bus: &'a mut MqttBus,
        context: &'a mut Context,
        doors: &'a mut BTreeMap<OutputId, Door>,
        desk: &'a mut Desk,
        link: &Link,
    ) -> Self {
        Self {
            bus,
            context,
            doors,
            desk,
            input: BytesMut::new(),
            output: BytesMut::new(),
            skip: 0,
            last_id: 0,
            subscriptions: BTreeMap::new(),
            unconfirmed: VecDeque::new(),
            unsent: Vec::new(),
            to_confirm: Vec::new(),
            backlog: if link.is_session_present { Backlog::UntilSubscribed } else { Backlog::None },
            sent_at: Instant::now(),
            stuck_since: None,
            ping_since: None,
        }
    }

    /// Runs until the connection or the bus ends.
    pub(super) async fn run(mut self, link: Link) -> SessionEnd {
        self.input = link.input;
        let result = match self.subscribe().and_then(|()| self.say_status(THERE)) {
            Ok(()) => {
                self.desk.open();
                self.converse(link.stream).await
            }
            Err(fault) => Err(fault),
        };
        for lost in std::mem::take(&mut self.unconfirmed) {
            self.context.written(lost.output, lost.counter, WriteResult::Unconfirmed);
        }
        for (output, counter) in std::mem::take(&mut self.unsent) {
            self.context.written(output, counter, WriteResult::Unconfirmed);
        }
        match result {
            Ok(()) => SessionEnd::Stopped,
            Err(fault) => SessionEnd::Fault(fault),
        }
    }

    /// `Ok` when the bus was ended.
    async fn converse(&mut self, stream: Box<dyn Stream>) -> Result<(), Fault> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut taken: Vec<Permit> = Vec::new();
        let timer = tokio::time::sleep_until(self.next_deadline());
        let pause = tokio::time::sleep_until(Instant::now());
        tokio::pin!(timer, pause);
        let mut flood = Flood::new(Instant::now());
        let mut is_paused = false;
        loop {
            let is_free = self.take_in()?;
            let due = if is_free { self.next_deadline() } else { deadline(FULL_RETRY) };
            if due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            let room = TAKE_MAX.min(UNCONFIRMED_MAX.saturating_sub(self.unconfirmed.len()));
            let may_write = room > 0 && self.output.len() < UNSENT_MAX && self.context.has_room();
            self.input.reserve(if is_free { READ_MAX } else { 0 });
            tokio::select! {
                biased;
                count = writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                    if count.map_err(Fault::Broken)? == 0 {
                        return Err(Fault::Closed);
                    }
                    let flushed = tokio::time::timeout(duration(STALL_MAX), writer.flush()).await;
                    flushed.map_err(|_| Fault::Stalled)?.map_err(Fault::Broken)?;
                    self.sent();
                }
                count = self.context.permits.recv_many(&mut taken, room), if may_write => {
                    if count == 0 {
                        return self.say_goodbye(&mut writer).await;
                    }
                    for permit in taken.drain(..) {
                        self.write(permit)?;
                    }
                }
                parcel = self.desk.next(), if self.output.is_empty() && self.desk.has_room() => {
                    self.carry(parcel)?;
                }
                () = &mut pause, if is_paused => is_paused = false,
                count = reader.read_buf(&mut self.input), if is_free && !is_paused => {
                    let count = count.map_err(Fault::Broken)?;
                    if count == 0 {
                        return Err(Fault::Closed);
                    }
                    self.context.counters.bytes.add(count as u64);
                    if let Some(until) = flood.read(Instant::now(), count) {
                        pause.as_mut().reset(until);
                        is_paused = true;
                    }
                }
                () = &mut timer => {
                    self.keep_alive(is_free)?;
                    timer.as_mut().reset(if is_free { self.next_deadline() } else { deadline(FULL_RETRY) });
                }
            }
        }
    }

    /// Asks for every topic, in as few packets as a broker takes without complaint.
    fn subscribe(&mut self) -> Result<(), Fault> {
        let mut first = 0;
        while let Some(filters) = self.bus.filters.get(first..).filter(|rest| !rest.is_empty()) {
            let filters: Vec<SubscribeFilter> = filters
                .iter()
                .take(FILTERS_MAX)
                .filter_map(|filter| {
                    Some(SubscribeFilter::new(std::str::from_utf8(filter).ok()?.to_owned(), QoS::AtLeastOnce))
                })
                .collect();
            let count = filters.len();
            let id = self.next_id();
            let mut packet = Subscribe::new_many(filters);
            packet.pkid = id;
            packet.write(&mut self.output).map_err(protocol)?;
            self.subscriptions.insert(id, first);
            first += count.max(1);
        }
        if self.subscriptions.is_empty() {
            self.backlog = Backlog::None;
        }
        Ok(())
    }

    /// Takes in what was read, batch by batch. `false`: the shell has no room, and no more may be read.
    fn take_in(&mut self) -> Result<bool, Fault> {
        loop {
            if !self.context.hand_over() {
                return Ok(false);
            }
            for id in std::mem::take(&mut self.to_confirm) {
                PubAck::new(id).write(&mut self.output).map_err(protocol)?;
            }
            self.parse()?;
            if self.context.readings.batch().is_empty() && self.to_confirm.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Takes packets until a batch is full or no whole packet is left.
    fn parse(&mut self) -> Result<(), Fault> {
        let now = self.context.now();
        let (mut messages, mut good, mut bad, mut unknown) = (0, 0, 0, 0);
        while self.context.readings.batch().samples.len() < BATCH_MAX && self.skip() {
            let packet = match Packet::read(&mut self.input, PACKET_MAX) {
                Ok(packet) => packet,
                Err(mqttbytes::Error::InsufficientBytes(_)) => break,
                Err(mqttbytes::Error::PayloadSizeLimitExceeded(length)) => {
                    self.context.counters.oversize.add(1);
                    self.skip = length + header_length(&self.input);
                    continue;
                }
                Err(error) => return Err(protocol(error)),
            };
            let Packet::Publish(message) = packet else {
                self.answer(packet)?;
                continue;
            };
            messages += 1;
            let is_kept = message.retain || self.is_backlog();
            let heard = Heard::Message { topic: &message.topic, payload: &message.payload, is_kept };
            let heed = self.bus.topics.hear(heard, now, &mut self.context.readings);
            good += u64::from(heed.good);
            bad += u64::from(heed.bad);
            // Its topic is nobody's unless it is meant for those who write letters.
            let is_for_others =
                self.desk.hear(&message.topic, &message.payload, is_kept, &self.context.counters);
            unknown += if is_for_others { 0 } else { u64::from(heed.unknown) };
            if message.qos == QoS::AtLeastOnce {
                self.to_confirm.push(message.pkid);
            }
        }
        if messages > 0 {
            let counters = &self.context.counters;
            counters.messages.add(messages);
            counters.good.add(good);
            counters.bad.add(bad);
            counters.unknown.add(unknown);
        }
        Ok(())
    }

    /// Throws away what belongs to a packet that is too large; whether it is through.
    fn skip(&mut self) -> bool {
        let now = self.skip.min(self.input.len());
        if now > 0 {
            bytes::Buf::advance(&mut self.input, now);
            self.skip -= now;
        }
        self.skip == 0
    }

    /// Takes a packet that is no message.
    fn answer(&mut self, packet: Packet) -> Result<(), Fault> {
        match packet {
            Packet::PubAck(confirmation) => {
                let place = self.unconfirmed.iter().position(|command| command.id == confirmation.pkid);
                if let Some(command) = place.and_then(|place| self.unconfirmed.remove(place)) {
                    self.context.written(command.output, command.counter, WriteResult::Done);
                } else {
                    self.desk.confirmed(confirmation.pkid);
                }
            }
            Packet::SubAck(answer) => {
                let first = self.subscriptions.remove(&answer.pkid).unwrap_or(usize::MAX);
                let refused = answer.return_codes.iter().enumerate();
                for (place, _) in refused.filter(|(_, code)| **code == SubscribeReasonCode::Failure) {
                    self.context.counters.subscriptions_refused.add(1);
                    if let Some(filter) = self.bus.filters.get(first.saturating_add(place)) {
                        let topic = String::from_utf8_lossy(filter);
                        self.context.link(true, &format!("the broker does not let us read `{topic}`"));
                    }
                }
                if self.subscriptions.is_empty() && matches!(self.backlog, Backlog::UntilSubscribed) {
                    self.backlog = Backlog::Until(deadline(BACKLOG));
                }
            }
            Packet::PingResp => self.ping_since = None,
            Packet::UnsubAck(_) => {}
            other => return Err(Fault::Protocol(format!("{:?} out of place", other.packet_type()))),
        }
        Ok(())
    }

    /// Tells others that we are there, or gone; the broker keeps it for those who come later.
    fn say_status(&mut self, word: &'static str) -> Result<(), Fault> {
        let Some(topic) = &self.bus.connection.status else { return Ok(()) };
        let message = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: true,
            topic: Bytes::copy_from_slice(topic.as_bytes()),
            pkid: 0,
            payload: Bytes::from_static(word.as_bytes()),
        };
        message.write(&mut self.output).map_err(protocol)?;
        Ok(())
    }

    /// Redeems a permit and puts its command into the socket's buffer.
    fn write(&mut self, permit: Permit) -> Result<(), Fault> {
        if self.bus.topics.is_gone(permit.output()) {
            self.context.written(permit.output(), permit.counter(), WriteResult::Offline);
            return Ok(());
        }
        let Some(write) = self.context.redeem(permit, self.doors) else { return Ok(()) };
        let (output, counter) = (write.output(), write.counter());
        let writer = self.bus.writers.get(&output);
        let Some(command) = writer.and_then(|writer| writer.command(write.wanted())) else {
            self.context.written(output, counter, WriteResult::Impossible);
            return Ok(());
        };
        let mut message = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: command.is_kept,
            topic: command.topic,
            pkid: 0,
            payload: command.payload,
        };
        if command.is_confirmed {
            message.qos = QoS::AtLeastOnce;
            message.pkid = self.next_id();
            let until = deadline(STALL_MAX);
            self.unconfirmed.push_back(Unconfirmed { id: message.pkid, output, counter, until });
        } else {
            self.unsent.push((output, counter));
        }
        message.write(&mut self.output).map_err(protocol)?;
        Ok(())
    }

    /// Puts a letter for others into the socket's buffer, or changes what is listened for on their behalf.
    fn carry(&mut self, parcel: Parcel) -> Result<(), Fault> {
        let Letter { topic, payload, is_kept, receipt, until } = match parcel {
            Parcel::Letter(letter) => letter,
            Parcel::Listen(ears) => return self.listen(ears),
        };
        if until.is_some_and(|until| Instant::now() >= until) {
            self.context.counters.letters_lost.add(1);
            return Ok(());
        }
        let id = self.next_id();
        let qos = QoS::AtLeastOnce;
        let message = Publish { dup: false, qos, retain: is_kept, topic, pkid: id, payload };
        message.write(&mut self.output).map_err(protocol)?;
        self.desk.sent(id, deadline(STALL_MAX), receipt);
        self.context.counters.letters.add(1);
        Ok(())
    }

    fn listen(&mut self, ears: Ears) -> Result<(), Fault> {
        let (add, mut leave) = self.desk.listen(ears);
        leave.retain(|filter| !self.bus.filters.iter().any(|own| **own == *filter.as_bytes()));
        if !add.is_empty() {
            let filter = |filter: String| SubscribeFilter::new(filter, QoS::AtLeastOnce);
            let mut packet = Subscribe::new_many(add.into_iter().map(filter).collect::<Vec<_>>());
            packet.pkid = self.next_id();
            packet.write(&mut self.output).map_err(protocol)?;
        }
        if !leave.is_empty() {
            let packet = Unsubscribe { pkid: self.next_id(), topics: leave };
            packet.write(&mut self.output).map_err(protocol)?;
        }
        Ok(())
    }

    /// Some of `output` left.
    fn sent(&mut self) {
        self.sent_at = Instant::now();
        self.stuck_since = None;
        if self.output.is_empty() {
            for (output, counter) in std::mem::take(&mut self.unsent) {
                self.context.written(output, counter, WriteResult::Done);
            }
        }
    }

    /// Something may be due: a ping, or the end of our patience. While we do not read, the broker's answers are not late.
    fn keep_alive(&mut self, is_reading: bool) -> Result<(), Fault> {
        let now = Instant::now();
        self.desk.give_up(now, &self.context.counters);
        let patience = duration(STALL_MAX);
        let is_late = |since: Option<Instant>| since.is_some_and(|since| now >= since + patience);
        let is_unconfirmed = self.unconfirmed.front().is_some_and(|command| now >= command.until);
        if is_late(self.stuck_since) || is_reading && (is_late(self.ping_since) || is_unconfirmed) {
            return Err(Fault::Stalled);
        }
        if !self.output.is_empty() {
            self.stuck_since.get_or_insert(now);
        } else if self.ping_since.is_none() && now >= self.sent_at + duration(self.bus.connection.keep_alive)
        {
            PingReq.write(&mut self.output).map_err(protocol)?;
            self.ping_since = Some(now);
        }
        Ok(())
    }

    /// When [`Self::keep_alive`] has something to do at the earliest.
    fn next_deadline(&self) -> Instant {
        let patience = duration(STALL_MAX);
        let mut next = match self.ping_since {
            Some(since) => since + patience,
            None => self.sent_at + duration(self.bus.connection.keep_alive),
        };
        if !self.output.is_empty() {
            next = next.min(
                self.stuck_since.map_or_else(|| deadline(STALL_MAX.divided(4)), |since| since + patience),
            );
        }
        self.unconfirmed.front().map_or(next, |command| next.min(command.until))
    }

    /// Whether a message may have waited at the broker while we were away.
    fn is_backlog(&mut self) -> bool {
        if matches!(self.backlog, Backlog::Until(until) if Instant::now() >= until) {
            self.backlog = Backlog::None;
        }
        !matches!(self.backlog, Backlog::None)
    }

    /// A packet id that is not in use.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            // Few ids are in use beside those of UNCONFIRMED_MAX commands, so that a free one is found.
            if !self.subscriptions.contains_key(&id)
                && !self.desk.uses(id)
                && self.unconfirmed.iter().all(|command| command.id != id)
            {
                return id;
            }
        }
    }

    /// Leaves in good order: what was redeemed goes out, then the farewell.
    async fn say_goodbye(&mut self, writer: &mut (impl AsyncWriteExt + Unpin)) -> Result<(), Fault> {
        // The will is not sent after a farewell.
        self.say_status(GONE)?;
        v4::Disconnect.write(&mut self.output).map_err(protocol)?;
        let farewell = async {
            writer.write_all_buf(&mut self.output).await?;
            writer.shutdown().await
        };
        // The bus is ended whether the broker hears it or not.
        drop(tokio::time::timeout(duration(Span::from_secs(1)), farewell).await);
        Ok(())
    }
}

fn protocol(error: mqttbytes::Error) -> Fault {
    Fault::Protocol(error.to_string())
}

/// Length of a fixed header: a byte and up to four of the remaining length.
fn header_length(packet: &[u8]) -> usize {
    let more = packet.iter().skip(1).take(3).take_while(|byte| **byte & 0x80 != 0).count();
    2 + more
}
