/** The controller as a process of its own, without Pepr around it: what tests start, stop and kill. */
import { startController } from "../../../capabilities/controller/main";

startController(process.env);
