/** The page: one root, the router's choice inside the shell, keys on the window. No markup ever comes from data. */
import { render } from 'preact'
import { start } from './desk.ts'
import { pressed } from './keys.ts'
import { followLink, route } from './route.ts'
import { AlertPage } from './view/alert-page.tsx'
import { FlowsPage } from './view/flows-page.tsx'
import { QueuePage } from './view/queue-page.tsx'
import { SensorsPage } from './view/sensors-page.tsx'
import { Shell } from './view/shell.tsx'
import { Notice } from './view/notice.tsx'

function Desk(): preact.JSX.Element {
  const now = route.value
  return (
    <Shell>
      {now.page === 'queue' ? <QueuePage />
        : now.page === 'alert' ? <AlertPage id={now.id} />
          : now.page === 'sensors' ? <SensorsPage />
            : now.page === 'flows' ? <FlowsPage />
              : <Notice kind="empty" title="Nothing is here" text="The address leads nowhere. The queue is at /queue." />}
    </Shell>
  )
}

addEventListener('keydown', pressed)
addEventListener('click', followLink)
const root = document.getElementById('desk')
if (root !== null) {
  start()
  render(<Desk />, root)
}
