// Stand-in of `sleep`: the stand-in cloud's clock goes on, and nobody waits.
import { TICKS_PER_SECOND } from "./provider/configure.ts";
import { changeCloud } from "./state.ts";

changeCloud((cloud) => {
  cloud.tick += Number(process.argv[2]) * TICKS_PER_SECOND;
  cloud.log.push(`sleep ${process.argv[2]}`);
});
