import { Fifo } from "./_fifo.ts";
import type { Message } from "./message.ts";

/** Which message is next. */
export interface Order {
  /** A message is in the queue from now on, whether it can be received yet or not. */
  add(message: Message): void;
  /** It can be received now. */
  ready(message: Message): void;
  /** The next one that can be received. It comes back by `ready`, or is gone. */
  take(): Message | undefined;
  /** It is gone. */
  release(message: Message): void;
  clear(): void;
}

/** A standard queue: whoever can be received first is received first. */
export class StandardOrder implements Order {
  private readonly waiting = new Fifo<Message>();

  add(): void {}

  ready(message: Message): void {
    this.waiting.push(message);
  }

  take(): Message | undefined {
    for (;;) {
      const message = this.waiting.shift();
      if (message === undefined || message.state === "waiting") return message;
    }
  }

  release(): void {}

  clear(): void {
    this.waiting.clear();
  }
}

type Group = Fifo<Message>;

/** A FIFO queue: in each group one message at a time, and none before those sent earlier. */
export class GroupOrder implements Order {
  private readonly groups = new Map<string, Group>();
  /** Groups whose first message can be received; one may be listed again after a change. */
  private readonly readyGroups = new Fifo<Group>();

  add(message: Message): void {
    const id = message.groupId ?? "";
    const group = this.groups.get(id) ?? new Fifo<Message>();
    this.groups.set(id, group);
    group.push(message);
  }

  ready(message: Message): void {
    const group = this.groups.get(message.groupId ?? "");
    if (group?.first === message) this.readyGroups.push(group);
  }

  take(): Message | undefined {
    for (;;) {
      const group = this.readyGroups.shift();
      if (group === undefined) return undefined;
      if (group.first?.state === "waiting") return group.first;
    }
  }

  release(message: Message): void {
    const id = message.groupId ?? "";
    const group = this.groups.get(id);
    if (group === undefined || group.first !== message) return;
    while (group.first?.state === "gone") group.shift();
    if (group.first === undefined) this.groups.delete(id);
    else if (group.first.state === "waiting") this.readyGroups.push(group);
  }

  clear(): void {
    this.groups.clear();
    this.readyGroups.clear();
  }
}
