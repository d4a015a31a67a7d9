//! The least that a program can do to read units over Modbus TCP: a loop with the client of tokio-modbus.
//!
//!     bare PORT UNITS REGISTERS
//!
//! One unit after the other, without a pause, until it is ended. What it reads it throws away.

use tokio::net::TcpStream;
use tokio_modbus::client::Reader;
use tokio_modbus::prelude::{Slave, SlaveContext, tcp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<u16> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let &[port, units, registers] = numbers.as_slice() else { return Err("bare PORT UNITS REGISTERS".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let mut context = tcp::attach(stream);
        loop {
            for unit in 1..=units {
                context.set_slave(Slave(u8::try_from(unit)?));
                let words = context.read_holding_registers(0, registers).await??;
                std::hint::black_box(words);
            }
        }
    })
}
