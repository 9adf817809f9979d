/** Ends a worker whose launcher was killed: nobody would see what it does, and it would keep the run's folder. */
import process from 'node:process';

/** The variable that tells a process that `--workers` started it, with a channel to its launcher. */
export const LAUNCHED = 'LOWRANK_LAUNCHED';

/** Once the launcher is gone, this process ends as after SIGTERM: it saves the run after the current step. */
export function endWithLauncher(): void {
  if (process.env[LAUNCHED] === undefined || !process.channel) return;
  process.once('disconnect', () => {
    // Told directly: a real signal would be lost where the work that listens ends before the event loop brings it.
    if (!process.emit('SIGTERM', 'SIGTERM')) process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref(); // the channel alone keeps no process running
}
