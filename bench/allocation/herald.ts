/** The controller as a process of its own, without Pepr around it. */
import { startController } from "../../capabilities/controller/main";

startController(process.env);
