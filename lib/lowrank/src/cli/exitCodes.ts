/** The program's exit codes that other processes read; `main` lists all. */

/** Another worker of the cluster was lost: all of them have to be started again. */
export const LOST = 3;
